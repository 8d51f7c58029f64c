//! Acks in both directions.

use std::time::Duration;

use serde_json::json;
use sio_actix::{AckSender, EventError, Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{AckError, Args, ClientError, EmitError, Rest, TransportMode, Value};

const SOON: Duration = Duration::from_millis(50);

fn app() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("sum", async |a: i64, b: i64| a + b);
            ns.on("several", async || (1, "two", [3].as_slice().to_vec()));
            ns.on("none", async || ());
            ns.on("fail", async || {
                Err::<(), _>(EventError::new("denied", "not you").with_data(json!({ "id": 7 })))
            });
            // Holds the ack until the socket ends.
            ns.on("never", async |ack: AckSender| {
                std::future::pending::<()>().await;
                drop(ack);
            });
            ns.on("ask", async |s: Socket, value: i64, ms: u64| {
                let timeout = Duration::from_millis(ms);
                match s.emit_with_ack::<Value>("question", value, timeout).await {
                    Ok(answer) => (json!("ok"), answer),
                    Err(error) => (json!(error.to_string()), Value::Null),
                }
            });
            ns.on("bye", async |s: Socket| s.disconnect(false));
        })
        .build()
}

on_both! {
    async fn answers_come_in_every_form(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let sum: i64 = client.emit_with_ack("sum", (1, 2)).await?;
        assert_eq!(sum, 3);
        let Args((one, two)) = client.emit_with_ack::<Args<(i64, String)>>("several", ()).await?;
        assert_eq!((one, two.as_str()), (1, "two"));
        let Rest(all) = client.emit_with_ack::<Rest<Value>>("several", ()).await?;
        assert_eq!(all.len(), 3);
        client.emit_with_ack::<()>("none", ()).await?;
        let error = client.emit_with_ack::<i64>("none", ()).await.unwrap_err();
        assert!(matches!(error, ClientError::Ack(AckError::Invalid(_))), "{error:?}");
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn error_objects_are_errors(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let error = client.emit_with_ack::<()>("fail", ()).await.unwrap_err();
        let remote = AckError::Remote {
            code: "denied".to_owned(),
            message: "not you".to_owned(),
            data: Some(json!({ "id": 7 })),
        };
        assert_eq!(error, ClientError::Ack(remote));
        let raw = client.emit_with_ack_raw("fail", ()).await?;
        assert_eq!(
            raw.json(),
            r#"{"error":{"code":"denied","message":"not you","data":{"id":7}}}"#
        );
        let error = client.emit_with_ack::<i64>("sum", ("a", 2)).await.unwrap_err();
        let is_bad_request =
            matches!(&error, ClientError::Ack(AckError::Remote { code, .. }) if code == "bad_request");
        assert!(is_bad_request, "{error:?}");
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn many_acks_are_told_apart(srv = app()) {
        for mode in [TransportMode::Polling, TransportMode::Websocket] {
            let client = srv.client().transport(mode).connect().await?;
            let answers = (0..100).map(|i| client.emit_with_ack::<i64>("sum", (i, i)));
            for (i, answer) in futures_util::future::join_all(answers).await.into_iter().enumerate() {
                assert_eq!(answer?, 2 * i as i64);
            }
            drop(client);
        }
        srv.stop().await;
        Ok(())
    }

    async fn acks_time_out_and_fail_at_the_end(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let late = client.socket().emit_with_ack_within::<()>(SOON, "unknown", ());
        assert_eq!(late.await, Err(AckError::Timeout));
        let mut pending = Box::pin(client.socket().emit_with_ack::<()>("unknown", ()));
        let bye = client.emit("bye", ());
        // Polled first, so that it is pending when the socket ends.
        assert!(futures_util::poll!(&mut pending).is_pending());
        bye.await?;
        assert_eq!(pending.await, Err(AckError::Disconnected));
        let error = client.socket().emit_with_ack::<()>("sum", (1, 2)).await.unwrap_err();
        assert_eq!(error, AckError::Emit(EmitError::NotConnected));
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn questions_of_the_server_are_answered(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        client.on_with_ack("question", |value: i64| async move {
            if value < 0 {
                return Err(EventError::new("negative", "no"));
            }
            tokio::task::yield_now().await;
            Ok(value * 10)
        });
        let Args((said, answer)) =
            client.emit_with_ack::<Args<(String, i64)>>("ask", (4, 5000)).await?;
        assert_eq!((said.as_str(), answer), ("ok", 40));
        let Args((_, answer)) =
            client.emit_with_ack::<Args<(String, serde_json::Value)>>("ask", (-4, 5000)).await?;
        assert_eq!(answer, json!({ "error": { "code": "negative", "message": "no" } }));
        client.on_with_ack("question", |text: String| async move { text });
        let Args((_, answer)) =
            client.emit_with_ack::<Args<(String, serde_json::Value)>>("ask", (4, 5000)).await?;
        assert_eq!(answer["error"]["code"], "bad_request");
        client.off("question");
        let Args((said, ())) = client.emit_with_ack::<Args<(String, ())>>("ask", (4, 20)).await?;
        assert_eq!(said, "operation has timed out");
        drop(client);
        srv.stop().await;
        Ok(())
    }
}

#[actix_web::test]
async fn pending_acks_are_bounded() -> Result<(), ClientError> {
    let client = sio_client::Client::builder("http://127.0.0.1:9")
        .limits(|limits| limits.max_pending_acks = 2)
        .build()?;
    let socket = client.socket("/");
    let mut a = std::pin::pin!(socket.emit_with_ack::<()>("a", ()));
    let mut b = std::pin::pin!(socket.emit_with_ack::<()>("b", ()));
    assert!(futures_util::poll!(&mut a).is_pending());
    assert!(futures_util::poll!(&mut b).is_pending());
    let error = socket.emit_with_ack::<()>("c", ()).await.unwrap_err();
    assert_eq!(error, AckError::Emit(EmitError::TooManyAcks { limit: 2 }));
    socket.disconnect();
    assert_eq!(a.await, Err(AckError::Disconnected));
    Ok(())
}
