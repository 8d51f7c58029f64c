//! The events of `/`, `/second` and `/guarded`, and the guard of the latter.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sio_actix::prelude::*;

use crate::records::{self, Records};
use crate::{asks, ends, rooms, sequences, values};

pub(crate) fn register(ns: &mut NamespaceBuilder, records: &Arc<Records>) {
    records::register(ns, records);
    ns.on_connection(|socket: Socket, Auth(auth): Auth<Value>| {
        sequences::prepare(&socket);
        let burst = auth.get("burst").and_then(Value::as_u64).unwrap_or(0);
        (0..burst).try_for_each(|i| socket.emit("burst", i))
    });
    values::register(ns);
    asks::register(ns);
    sequences::register(ns);
    rooms::register(ns);
    ends::register(ns);
}

/// Lets in who knows the secret, after the wait that was asked for.
pub(crate) async fn guard(Auth(auth): Auth<Value>) -> Result<(), ConnectError> {
    if let Some(millis) = auth.get("delay").and_then(Value::as_u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    if auth.get("token").and_then(Value::as_str) == Some("secret") {
        return Ok(());
    }
    let data = json!({ "code": 401, "hint": "token" });
    Err(ConnectError::new("not authorized").with_data(data))
}
