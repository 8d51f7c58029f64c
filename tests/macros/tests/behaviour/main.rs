//! What an attribute does, seen by a client.
#![allow(clippy::needless_pass_by_value, reason = "handler parameters own their data")]

mod events;
mod life;
mod scope;

use std::collections::HashMap;

use sio_actix::Io;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

/// What the clients of these tests say about themselves.
#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

fn named(name: &str) -> HashMap<&str, &str> {
    HashMap::from([("name", name)])
}

type Outcome = Result<(), ClientError>;

/// A server with these controllers, and a client of a namespace.
async fn joined(io: Io, namespace: &str) -> Result<(TestServer, TestClient), ClientError> {
    let srv = TestServer::memory(io).await;
    let client = TestClient::connect(&srv, namespace).await?;
    Ok((srv, client))
}

/// The code with which an ack refused.
#[expect(clippy::panic, reason = "a helper of tests, whose caller is one")]
fn code<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::Ack(sio_client::AckError::Remote { code, .. })) => code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}
