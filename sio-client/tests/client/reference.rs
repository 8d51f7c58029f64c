//! The client against the official JavaScript server: `tests/interop/reference-server.mjs`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use sio_client::{
    AckError, Args, Binary, Client, ClientError, ConnectError, DisconnectReason, LifeEvent,
    Reconnection, Rest, Transport, TransportMode, Value,
};

const MODES: [TransportMode; 3] =
    [TransportMode::Upgrade, TransportMode::Polling, TransportMode::Websocket];

fn client(mode: TransportMode) -> Client {
    let url = std::env::var("SIO_REFERENCE_URL").expect("SIO_REFERENCE_URL is set");
    let soon = Reconnection::within(Duration::from_millis(5), Duration::from_millis(20));
    let timeout = Duration::from_secs(5);
    Client::builder(&url)
        .transport(mode)
        .reconnection(soon)
        .ack_timeout(timeout)
        .connect_timeout(timeout)
        .build()
        .unwrap()
}

#[actix_web::test]
#[ignore = "needs the JavaScript server; its address in SIO_REFERENCE_URL"]
async fn the_official_server_understands_us() -> Result<(), ClientError> {
    for mode in MODES {
        let client = client(mode);
        let socket = client.socket("/");
        let mut life = socket.life();
        socket.connect().await?;
        let wanted = if mode == TransportMode::Upgrade { 2 } else { 1 };
        for _ in 0..wanted {
            let event = life.next().await;
            assert!(
                matches!(event, Some(LifeEvent::Connect { .. } | LifeEvent::Upgrade(_))),
                "{event:?}"
            );
        }
        if mode == TransportMode::Upgrade {
            assert_eq!(client.transport(), Some(Transport::Websocket));
        }
        // Events and acks.
        let echo = socket.once::<Args<(i64, String, Option<bool>)>>("echo");
        socket.emit("echo", (1, "é€😀", None::<bool>)).await?;
        assert_eq!(echo.await?, Args((1, "é€😀".to_owned(), None)));
        let sum: i64 = socket.emit_with_ack("typed-sum", (2, 3)).await?;
        assert_eq!(sum, 5);
        socket.emit_with_ack::<()>("ack-none", ()).await?;
        let Rest(values): Rest<Value> = socket.emit_with_ack("ack-values", ()).await?;
        assert_eq!(values.len(), 5);
        let error = socket.emit_with_ack::<()>("ack-error", ()).await.unwrap_err();
        assert!(matches!(&error, AckError::Remote { code, .. } if code == "denied"), "{error:?}");
        // Bytes.
        let bytes: Binary = socket.emit_with_ack("make-binary", 100_000).await?;
        assert!(bytes.0.iter().enumerate().all(|(i, byte)| *byte == (i % 256) as u8));
        let back: Binary = socket.emit_with_ack("echo", &bytes).await?;
        assert_eq!(back, bytes);
        let nested: Value = socket.emit_with_ack("make-nested", ()).await?;
        assert_eq!(
            nested.get("a").and_then(Value::as_bytes),
            Some(&Bytes::from_static(&[1, 2, 3]))
        );
        let described: Vec<String> = socket.emit_with_ack("describe", (1, &bytes, "x")).await?;
        assert_eq!(described, ["number", "binary:100000", "string:1"]);
        // Questions of the server.
        socket.on_with_ack("question", |value: i64| async move { value * 2 });
        let answers: Vec<i64> = socket.emit_with_ack("ask-burst", (50, 5000)).await?;
        assert_eq!(answers, (0..50).map(|i| 2 * i).collect::<Vec<i64>>());
        // Namespaces, auth and refusals.
        let guarded = client.socket("/guarded");
        let error = guarded.connect().await.unwrap_err();
        let expected = ConnectError::Refused {
            message: "not authorized".to_owned(),
            data: Some(json!({ "code": 401, "hint": "token" })),
        };
        assert_eq!(error, expected);
        guarded.set_auth(json!({ "token": "secret" }))?;
        guarded.connect().await?;
        let handshake: Json = guarded.emit_with_ack("handshake", ()).await?;
        assert_eq!(handshake["auth"]["token"], "secret");
        let error = client.socket("/nowhere").connect().await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Refused { message, .. } if message == "Invalid namespace")
        );
        // A flood, in order.
        let mut numbers = socket.stream::<i64>("n");
        let _: Rest<Value> = socket.emit_with_ack("count", 500).await?;
        for i in 0..500 {
            assert_eq!(numbers.next().await, Some(Ok(i)));
        }
        // Lost and found.
        socket.emit("drop-me", ()).await?;
        assert_eq!(
            life.next().await,
            Some(LifeEvent::Disconnect(DisconnectReason::TransportClose))
        );
        socket.emit("item", 7).await?;
        let items: Vec<i64> = socket.emit_with_ack("items", ()).await?;
        assert_eq!(items, [7]);
        // Put out.
        while !matches!(life.next().await, Some(LifeEvent::Connect { .. })) {}
        socket.emit("kick", true).await?;
        loop {
            match life.next().await {
                Some(LifeEvent::Disconnect(reason)) => {
                    assert_eq!(reason, DisconnectReason::ServerDisconnect);
                    break;
                }
                Some(LifeEvent::Upgrade(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        client.close().await;
    }
    Ok(())
}
