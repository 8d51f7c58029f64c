//! Lost connections: buffered events, the way back, and when there is none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_actix::{Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{
    Client, ClientError, DisconnectReason, EmitError, LifeEvent, Reconnection, TransportMode,
};

fn app() -> Io {
    let seen = Arc::new(Mutex::new(Vec::<String>::new()));
    Io::builder()
        .namespace("/", move |ns| {
            let (push, all) = (Arc::clone(&seen), seen);
            ns.on("note", async move |text: String| push.lock().unwrap().push(text));
            ns.on("notes", async move || (all.lock().unwrap().clone(),));
            ns.on("drop", async |s: Socket| s.close_session());
            ns.on("out", async |s: Socket| s.disconnect(false));
        })
        .namespace("/second", |ns| {
            ns.on("ping", async || "pong");
        })
        .build()
}

fn soon() -> Reconnection {
    Reconnection::within(Duration::from_millis(5), Duration::from_millis(20))
}

/// The server knows of the upgrade: one that closes in the middle of it waits for one more poll.
async fn settled(client: &TestClient) -> Result<(), ClientError> {
    client.upgraded().await?;
    client.emit_with_ack::<Vec<String>>("notes", ()).await?;
    Ok(())
}

const MODES: [TransportMode; 3] =
    [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade];

on_both! {
    async fn a_lost_session_comes_back_with_all_namespaces(srv = app()) {
        for mode in MODES {
            let root = srv.client().transport(mode).reconnection(soon()).connect().await?;
            let second = root.join("/second").await?;
            let id = root.id();
            let mut life = root.socket().life();
            root.emit("drop", ()).await?;
            let mut seen = Vec::new();
            while !matches!(seen.last(), Some(LifeEvent::Connect { .. })) {
                // An upgrade may come at any time.
                seen.extend(life.next().await.filter(|one| !matches!(one, LifeEvent::Upgrade(_))));
            }
            assert_eq!(seen.first(), Some(&LifeEvent::Disconnect(DisconnectReason::TransportClose)));
            assert!(matches!(seen[1], LifeEvent::ReconnectAttempt { attempt: 1, .. }), "{seen:?}");
            assert_eq!(seen.len(), 3, "{seen:?}");
            assert_ne!(root.id(), id);
            second.connected().await?;
            let pong: String = second.emit_with_ack("ping", ()).await?;
            assert_eq!(pong, "pong");
            drop((root, second));
        }
        srv.stop().await;
        Ok(())
    }

    async fn events_wait_for_the_connection_in_order(srv = app()) {
        let client = srv.client().reconnection(soon()).connect().await?;
        client.emit("drop", ()).await?;
        client.disconnected().await?;
        for text in ["a", "b", "c"] {
            client.emit("note", text).await?;
        }
        assert!(!client.socket().emit_volatile("note", "volatile")?);
        let notes: Vec<String> = client.emit_with_ack("notes", ()).await?;
        assert_eq!(notes, ["a", "b", "c"]);
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn a_socket_put_out_stays_out(srv = app()) {
        let client = srv.client().reconnection(soon()).connect().await?;
        let mut life = client.socket().life();
        client.emit("out", ()).await?;
        assert_eq!(client.disconnected().await?, DisconnectReason::ServerDisconnect);
        assert!(!client.socket().is_active());
        assert_eq!(client.socket().try_emit("note", "x"), Err(EmitError::NotConnected));
        client.socket().connect().await?;
        let mut seen = Vec::new();
        while !matches!(seen.last(), Some(LifeEvent::Connect { .. })) {
            seen.extend(life.next().await);
        }
        assert!(!seen.iter().any(|one| matches!(one, LifeEvent::ReconnectAttempt { .. })), "{seen:?}");
        drop(client);
        srv.stop().await;
        Ok(())
    }

    async fn without_reconnection_a_loss_is_the_end(srv = app()) {
        let client = TestClient::connect(&srv, "/").await?;
        let waiting = client.socket().once::<()>("never");
        client.emit("drop", ()).await?;
        assert_eq!(client.disconnected().await?, DisconnectReason::TransportClose);
        assert_eq!(waiting.await, Err(sio_client::ReceiveError::Disconnected));
        assert!(client.emit("note", "x").await.is_err());
        srv.stop().await;
        Ok(())
    }
}

#[actix_web::test]
async fn the_send_buffer_is_bounded() -> Result<(), ClientError> {
    let client = Client::builder("http://127.0.0.1:9")
        .limits(|limits| {
            limits.send_buffer = 2;
            limits.send_buffer_bytes = 1000;
        })
        .build()?;
    let socket = client.socket("/");
    let full = EmitError::BufferFull { limit: 2, limit_bytes: 1000 };
    assert_eq!(socket.emit("a", "x".repeat(1000)).await, Err(full.clone()));
    socket.emit("a", 1).await?;
    socket.emit("a", 2).await?;
    assert_eq!(socket.emit("a", 3).await, Err(full));
    Ok(())
}

#[actix_web::test]
async fn a_server_that_restarts_is_found_again() -> Result<(), ClientError> {
    for mode in MODES {
        let srv = TestServer::builder(app()).start().await;
        let port = srv.port();
        let client = srv.client().transport(mode).reconnection(soon()).connect().await?;
        if mode == TransportMode::Upgrade {
            settled(&client).await?;
        }
        let mut life = client.socket().life();
        srv.io().close();
        client.disconnected().await?;
        client.emit("note", "while away").await?;
        srv.stop().await;
        let failed =
            async { while !matches!(life.next().await, Some(LifeEvent::ReconnectError(_))) {} };
        tokio::time::timeout(Duration::from_secs(5), failed).await.unwrap();
        let srv = TestServer::builder(app()).port(port).start().await;
        client.connected().await?;
        let notes: Vec<String> = client.emit_with_ack("notes", ()).await?;
        assert_eq!(notes, ["while away"]);
        client.close().await;
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn attempts_end_where_they_are_told_to() -> Result<(), ClientError> {
    let srv = TestServer::start(app()).await;
    let client = srv.client().reconnection(soon().max_attempts(2)).connect().await?;
    settled(&client).await?;
    let mut life = client.socket().life();
    srv.io().close();
    srv.stop().await;
    let mut attempts = 0;
    let failed = async {
        loop {
            match life.next().await {
                Some(LifeEvent::ReconnectAttempt { .. }) => attempts += 1,
                Some(LifeEvent::ReconnectFailed) => break,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), failed).await.unwrap();
    assert_eq!(attempts, 2);
    assert!(!client.socket().is_active());
    Ok(())
}
