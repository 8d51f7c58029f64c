//! `stop` fails when something is left, and only then.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use sio_actix::{Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{ClientError, TransportMode};

fn io() -> Io {
    Io::builder().namespace("/", |_| {}).build()
}

fn io_with_room() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("join", async |s: Socket| {
                s.join("room");
                let timeout = Duration::from_secs(60);
                let asked = s.emit_with_ack::<()>("never answered", (), timeout);
                asked.await.map_err(sio_actix::EventError::from)
            });
        })
        .build()
}

async fn text_of_stop(srv: TestServer) -> Option<String> {
    let result = AssertUnwindSafe(srv.stop()).catch_unwind().await;
    result.err().map(|panic| *panic.downcast::<String>().unwrap())
}

#[actix_web::test]
async fn a_live_client_is_a_leak() -> Result<(), ClientError> {
    let short = Duration::from_millis(50);
    for port in [true, false] {
        let builder = TestServer::builder(io()).deadline(short);
        let srv = if port { builder.start().await } else { builder.memory().await };
        let client = srv.client().timeout(Duration::from_secs(5)).connect().await?;
        let text = text_of_stop(srv).await.expect("a leak is found");
        assert!(text.contains("sessions: 1") && text.contains("sockets: 1"), "{text}");
        // Everything is closed nevertheless.
        client.disconnected().await?;
    }
    Ok(())
}

#[actix_web::test]
async fn an_unfinished_handler_and_a_kept_ack_are_leaks() -> Result<(), ClientError> {
    let io = Io::builder()
        .namespace("/", |ns| {
            ns.on("hang", async |s: Socket| {
                s.emit("hangs", ())?;
                std::future::pending::<Result<(), sio_actix::EmitError>>().await
            });
        })
        .build();
    let srv = TestServer::builder(io).deadline(Duration::from_millis(50)).memory().await;
    let client = srv.client().timeout(Duration::from_secs(5)).connect().await?;
    client.emit("hang", ()).await?;
    client.next::<()>("hangs").await?;
    drop(client);
    let text = text_of_stop(srv).await.expect("a leak is found");
    assert!(text.contains("unfinished handlers: 1") && !text.contains("sessions"), "{text}");

    let io = io_with_room();
    let srv = TestServer::builder(io).deadline(Duration::from_millis(50)).memory().await;
    let client = srv.client().timeout(Duration::from_secs(5)).connect().await?;
    client.emit("join", ()).await?;
    client.next::<()>("never answered").await?;
    let text = text_of_stop(srv).await.expect("a leak is found");
    for leak in ["sessions: 1", "sockets: 1", "rooms: 1", "pending acks: 1", "handlers: 1"] {
        assert!(text.contains(leak), "{leak} in {text}");
    }
    Ok(())
}

on_both! {
    async fn dropped_and_closed_clients_are_no_leaks(srv = io()) {
        let a = TestClient::connect(&srv, "/").await?;
        let b = TestClient::connect(&srv, "/").await?;
        // By polling, a cut between two polls is noticed only by the heartbeat.
        let c = srv.client().transport(TransportMode::Websocket).connect().await?;
        b.close().await;
        c.cut();
        drop(a);
        assert_eq!(text_of_stop(srv).await, None);
        Ok(())
    }
}
