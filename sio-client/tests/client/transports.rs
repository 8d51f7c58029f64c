//! Polling, WebSocket, and the way from one to the other.

use serde_json::json;
use sio_actix::{Io, Socket};
use sio_client::test::TestServer;
use sio_client::{ClientError, Rest, Transport, TransportMode, Value};

fn echo() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("echo", async |s: Socket, args: Rest<Value>| s.emit("echo", args));
            ns.on("ack", async |args: Rest<Value>| args);
            ns.on("query", async |s: Socket, key: String| {
                let handshake = s.handshake();
                (
                    handshake.query_value(&key).map(|value| value.to_string()),
                    handshake.header(&key).map(str::to_owned),
                )
            });
        })
        .build()
}

on_both! {
    async fn polling_only_stays_on_polling(srv = echo()) {
        let client = srv.client().transport(TransportMode::Polling).connect().await?;
        let sum: Vec<i64> = client.emit_with_ack("ack", (vec![1, 2],)).await?;
        assert_eq!(sum, [1, 2]);
        assert_eq!(client.transport(), Some(Transport::Polling));
        client.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn websocket_only_never_polls(srv = echo()) {
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        assert_eq!(client.transport(), Some(Transport::Websocket));
        let text: String = client.emit_with_ack("ack", "é€😀").await?;
        assert_eq!(text, "é€😀");
        client.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn nothing_is_lost_or_overtaken_in_an_upgrade(srv = echo()) {
        let client = srv.client().connect().await?;
        let mut echoes = client.stream::<i64>("echo");
        // As many as it takes: the upgrade happens somewhere in between.
        let mut sent = 0;
        while sent < 200 || client.transport() != Some(Transport::Websocket) {
            client.emit("echo", sent).await?;
            assert_eq!(echoes.next().await?, sent);
            sent += 1;
        }
        for number in 0..500 {
            client.emit("echo", number).await?;
        }
        for number in 0..500 {
            assert_eq!(echoes.next().await?, number);
        }
        client.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn query_and_headers_reach_the_handshake(srv = echo()) {
        for mode in [TransportMode::Polling, TransportMode::Websocket] {
            let client = srv
                .client()
                .transport(mode)
                .query("my key", "a&b=c é")
                .header("x-test", "yes")
                .connect()
                .await?;
            let (query, header): (Option<String>, Option<String>) = {
                let Rest(both): Rest<Option<String>> = client.emit_with_ack("query", "my key").await?;
                (both[0].clone(), both[1].clone())
            };
            assert_eq!((query.as_deref(), header), (Some("a&b=c é"), None));
            let Rest(both): Rest<Option<String>> = client.emit_with_ack("query", "x-test").await?;
            assert_eq!(both, [None, Some("yes".to_owned())]);
            drop(client);
        }
        srv.stop().await;
        Ok(())
    }

    async fn pushes_respect_the_servers_limit(srv = Io::builder()
        .max_payload(2000)
        .namespace("/", |ns| { ns.on("ack", async |text: String| text.len()); })
        .build())
    {
        for mode in [TransportMode::Polling, TransportMode::Websocket] {
            let client = srv.client().transport(mode).connect().await?;
            let answers = (0..50).map(|_| client.emit_with_ack::<usize>("ack", "x".repeat(900)));
            for answer in futures_util::future::join_all(answers).await {
                assert_eq!(answer?, 900);
            }
            let error = client.emit("ack", "x".repeat(2000)).await.unwrap_err();
            assert!(error.to_string().contains("takes 2000"), "{error}");
            assert!(client.socket().is_connected());
            drop(client);
        }
        srv.stop().await;
        Ok(())
    }

    async fn many_messages_travel_both_ways(srv = echo()) {
        for mode in [TransportMode::Polling, TransportMode::Websocket] {
            let client = srv.client().transport(mode).connect().await?;
            let mut echoes = client.stream::<Value>("echo");
            let long = "y".repeat(200_000);
            for number in 0..20 {
                client.emit("echo", (json!({ "number": number, "text": long }),)).await?;
            }
            for number in 0..20 {
                let echo = echoes.next().await?;
                assert_eq!(echo.get("number").and_then(Value::as_i64), Some(number));
            }
            client.close().await;
        }
        srv.stop().await;
        Ok(())
    }
}
