//! Handles that come and go: the last one closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sio_actix::{Io, Socket as ServerSocket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Client, ClientError, ConnectError, DisconnectReason, LifeEvent, TransportMode};

fn io() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("echo", async |s: ServerSocket, value: i64| s.emit("echo", value));
        })
        .build()
}

on_both! {
    async fn the_last_handle_closes(srv = io()) {
        let client = TestClient::connect(&srv, "/").await?;
        let socket = client.socket().clone();
        let weak = socket.downgrade();
        let shared = client.socket().client();
        drop(client);
        assert!(socket.is_connected());
        assert!(weak.upgrade().is_some());
        drop(socket);
        assert!(weak.upgrade().is_none());
        // A client handle alone keeps nothing open.
        shared.close().await;
        assert!(shared.is_idle());
        srv.stop().await;
        Ok(())
    }

    async fn what_was_emitted_before_a_drop_arrives(srv = Io::builder().namespace("/", |ns| {
        ns.on("say", async |s: ServerSocket, value: i64| s.broadcast().emit("said", value));
    }).build()) {
        let listener = TestClient::connect(&srv, "/").await?;
        for mode in [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade] {
            let speaker = srv.client().transport(mode).connect().await?;
            for value in 0..20 {
                speaker.emit("say", value).await?;
            }
            drop(speaker);
            for value in 0..20 {
                assert_eq!(listener.next::<i64>("said").await?, value);
            }
        }
        drop(listener);
        srv.stop().await;
        Ok(())
    }

    async fn a_socket_connects_again_after_disconnect(srv = io()) {
        let client = TestClient::connect(&srv, "/").await?;
        let events = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&events);
        client.on("echo", move |_: i64| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        for round in 0..5 {
            client.emit("echo", round).await?;
            assert_eq!(client.next::<i64>("echo").await?, round);
            client.socket().disconnect();
            assert_eq!(client.disconnected().await?, DisconnectReason::ClientDisconnect);
            client.socket().connect().await?;
        }
        assert_eq!(events.load(Ordering::Relaxed), 5);
        client.close().await;
        srv.stop().await;
        Ok(())
    }

    async fn an_attempt_that_is_dropped_is_given_up(srv = io()) {
        // Clients wait at the guard until there are permits.
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let passes = Arc::clone(&gate);
        srv.io().namespace("/gated", |ns| {
            ns.connect_guard(async move || passes.acquire().await.is_ok());
        });
        let client = srv.client().namespace("/gated").build()?;
        let short = Duration::from_millis(10);
        assert!(tokio::time::timeout(short, client.socket().connect()).await.is_err());
        assert!(!client.socket().is_active());
        // Two who wait: one gives up, the other connects.
        let (first, second) = (client.socket().connect(), client.socket().connect());
        let first = async {
            let first = tokio::time::timeout(short, first).await;
            gate.add_permits(100);
            first
        };
        let (first, second) = tokio::join!(first, second);
        assert!(first.is_err());
        second?;
        client.close().await;
        srv.stop().await;
        Ok(())
    }
}

#[actix_web::test]
async fn life_is_told_in_order() -> Result<(), ClientError> {
    let srv = TestServer::start(io()).await;
    let client = srv.client().transport(TransportMode::Websocket).build()?;
    let mut life = client.socket().life();
    client.socket().connect().await?;
    let id = client.id();
    client.socket().disconnect();
    assert_eq!(life.next().await, Some(LifeEvent::Connect { id }));
    assert_eq!(life.next().await, Some(LifeEvent::Disconnect(DisconnectReason::ClientDisconnect)));
    client.close().await;
    srv.stop().await;
    Ok(())
}

#[test]
fn a_runtime_that_ends_ends_the_sockets() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (srv, client) = {
        let system = actix_web::rt::System::new();
        let srv = system.block_on(TestServer::start(io()));
        let client = Client::builder(&srv.url()).build().unwrap();
        (srv, client)
    };
    let socket = client.socket("/");
    runtime().block_on(async { socket.connect().await }).unwrap();
    assert!(!socket.is_active(), "the connection went with its runtime");
    runtime().block_on(async {
        socket.connect().await.unwrap();
        client.close().await;
    });
    // Without any runtime it is an error, not a panic.
    let error = futures_util::FutureExt::now_or_never(socket.connect()).unwrap().unwrap_err();
    assert!(matches!(error, ConnectError::Transport(_)), "{error}");
    drop(srv);
}
