//! Events about arguments and answers of every kind.

use std::collections::BTreeMap;

use serde_json::json;
use sio_actix::prelude::*;

pub(crate) fn register(ns: &mut NamespaceBuilder) {
    ns.on("echo", |socket: Socket, ack: AckSender, args: Rest<Value>| {
        answer(&socket, ack, "echo", args)
    });
    ns.on("describe", |args: Rest<Value>| -> Vec<String> { args.0.iter().map(describe).collect() });
    ns.on("handshake", |socket: Socket, Auth(auth)| handshake(&socket, &auth));
    ns.on("make-binary", |socket: Socket, ack: AckSender, n: usize| {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(n).collect();
        answer(&socket, ack, "binary", Binary::from(bytes))
    });
    ns.on("make-nested", |socket: Socket, ack: AckSender| answer(&socket, ack, "nested", nested()));
    ns.on("ack-none", || ());
    ns.on("ack-values", || (1, "two", [3], json!({ "four": 4 }), ()));
    ns.on("ack-error", || -> Result<(), EventError> {
        Err(EventError::new("denied", "not allowed"))
    });
    ns.on("typed-sum", |socket: Socket, ack: AckSender, a: i64, b: i64| {
        answer(&socket, ack, "sum", a.saturating_add(b))
    });
    ns.on("panic", fail);
    ns.on("panic-later", async || {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        fail();
    });
}

/// Acks `args`, or without ack emits them as `event`.
fn answer(
    socket: &Socket,
    ack: AckSender,
    event: &str,
    args: impl serde::Serialize,
) -> Result<(), EventError> {
    if ack.is_wanted() {
        ack.send(args)?;
    } else {
        socket.emit(event, args)?;
    }
    Ok(())
}

#[expect(clippy::panic, reason = "what becomes of it is tested")]
fn fail() {
    panic!("deliberate");
}

pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) => format!("string:{}", text.len()),
        Value::Binary(bytes) => format!("binary:{}", bytes.len()),
        Value::Array(items) => format!("array:{}", items.len()),
        Value::Object(object) => format!("object:{}", object.len()),
    }
}

fn binary(bytes: &'static [u8]) -> Value {
    Value::Binary(bytes::Bytes::from_static(bytes))
}

fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let entries = entries.into_iter();
    Value::Object(entries.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn nested() -> Value {
    let list = vec![binary(&[]), Value::from("é"), binary(&[0xff])];
    object([
        ("a", binary(&[1, 2, 3])),
        ("list", Value::Array(list)),
        ("deep", object([("b", binary(&[0]))])),
    ])
}

fn handshake(socket: &Socket, auth: &serde_json::Value) -> serde_json::Value {
    let handshake = socket.handshake();
    let query: BTreeMap<_, _> = handshake.query().collect();
    let headers: BTreeMap<_, _> = handshake.headers().collect();
    json!({
        "id": socket.id().as_str(),
        "ns": socket.namespace().path(),
        "auth": auth,
        "query": query,
        "headers": headers,
        "url": handshake.url(),
        "address": handshake.address().map(|address| address.ip().to_string()),
        "secure": handshake.is_secure(),
    })
}
