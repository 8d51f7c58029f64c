//! `stop` fails when something is left, and only then.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use sio_actix::Io;
use sio_client::test::{TestClient, TestServer};
use sio_client::{ClientError, TransportMode};

fn io() -> Io {
    Io::builder().namespace("/", |_| {}).build()
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
