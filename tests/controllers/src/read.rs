//! What clients got, as JSON.

use serde::Serialize;
use serde_json::{Value, json};
use sio_actix::Rest;
use sio_client::test::TestClient;
use sio_client::{ClientError, ConnectError};

/// All arguments of an ack: `[3]`, `[null]`, `[]`, `[{"error": …}]`.
pub async fn ack(
    client: &TestClient,
    event: &str,
    args: impl Serialize,
) -> Result<Value, ClientError> {
    let answer = client.emit_with_ack_raw(event, args).await?;
    Ok(json!(answer.read::<Rest<Value>>().expect("an ack is JSON").0))
}

/// The error object of an ack.
pub async fn error(
    client: &TestClient,
    event: &str,
    args: impl Serialize,
) -> Result<Value, ClientError> {
    let answer = ack(client, event, args).await?;
    let body = error_body(&answer);
    Ok(body.unwrap_or_else(|| panic!("`{event}` was answered with {answer}, not with an error")))
}

/// The object behind `error`, if the ack is one that reports an error.
pub fn error_body(answer: &Value) -> Option<Value> {
    match answer.as_array()?.as_slice() {
        [Value::Object(only)] if only.len() == 1 => only.get("error").cloned(),
        _ => None,
    }
}

/// The argument lists of all events of a name that have arrived.
pub fn events(client: &TestClient, event: &str) -> Value {
    let received = client.received();
    let of_name = received.iter().filter(|one| one.event == event);
    of_name.map(|one| json!(one.args)).collect()
}

/// Message and data of a refusal.
pub fn refused(connected: Result<TestClient, ConnectError>) -> (String, Option<Value>) {
    match connected {
        Err(ConnectError::Refused { message, data }) => (message, data),
        Err(other) => panic!("not refused by the server: {other}"),
        Ok(client) => panic!("connected as {}", client.id()),
    }
}
