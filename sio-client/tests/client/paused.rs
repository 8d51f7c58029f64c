//! Heartbeats, timeouts and back-off in no time: the memory server under tokio's paused clock.

use std::time::Duration;

use sio_actix::Io;
use sio_client::test::TestServer;
use sio_client::{ClientError, DisconnectReason, LifeEvent, TransportMode};
use tokio::time::{Instant, sleep};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MODES: [TransportMode; 3] =
    [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade];

async fn server() -> TestServer {
    tokio::time::pause();
    another_server().await
}

async fn another_server() -> TestServer {
    let io = Io::builder()
        .namespace("/", |ns| {
            ns.on("wait", async |seconds: u64| {
                sleep(Duration::from_secs(seconds)).await;
                seconds
            });
        })
        .build();
    TestServer::builder(io).deadline(HOUR).memory().await
}

#[actix_web::test]
async fn an_hour_of_heartbeats_passes() -> Result<(), ClientError> {
    let srv = server().await;
    for mode in MODES {
        let client = srv.client().transport(mode).connect().await?;
        let start = Instant::now();
        client.expect_none(HOUR).await?;
        assert!(start.elapsed() >= HOUR);
        assert!(client.socket().is_connected(), "{mode:?}");
        let waited: u64 = client.emit_with_ack("wait", 600).await?;
        assert_eq!(waited, 600);
        client.close().await;
    }
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn clients_connect_however_far_the_clock_went() -> Result<(), ClientError> {
    tokio::time::pause();
    for _ in 0..20 {
        let srv = another_server().await;
        let mut clients = Vec::new();
        for mode in MODES.into_iter().chain(MODES) {
            clients.push(srv.client().transport(mode).connect().await?);
        }
        for client in &clients {
            client.expect_none(Duration::from_secs(1)).await?;
        }
        // Some go in order, others with the server.
        for client in clients.drain(..3) {
            client.close().await;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn a_dead_server_is_noticed_after_interval_and_timeout() -> Result<(), ClientError> {
    let srv = server().await;
    for mode in [TransportMode::Polling, TransportMode::Websocket] {
        let client = srv.client().transport(mode).connect().await?;
        let start = Instant::now();
        client.stall();
        assert_eq!(client.disconnected().await?, DisconnectReason::PingTimeout);
        let elapsed = start.elapsed().as_secs();
        assert!((44..=46).contains(&elapsed), "{elapsed}");
        drop(client);
    }
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn back_off_grows_to_five_seconds() -> Result<(), ClientError> {
    let srv = server().await;
    let client = srv.client().reconnect(true).connect().await?;
    let mut life = client.socket().life();
    srv.io().close();
    let mut delays = Vec::new();
    while delays.len() < 6 {
        if let Some(LifeEvent::ReconnectAttempt { attempt, delay }) = life.next().await {
            assert_eq!(attempt as usize, delays.len() + 1);
            delays.push(delay.as_millis());
        }
    }
    let ranges = [500..=1500, 1000..=3000, 2000..=5000, 2500..=5000, 2500..=5000, 2500..=5000];
    for (delay, range) in delays.iter().zip(ranges) {
        assert!(range.contains(delay), "{delays:?}");
    }
    drop(client);
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn acks_time_out_after_their_default() -> Result<(), ClientError> {
    let srv = server().await;
    let client = srv.client().timeout(Duration::from_secs(7)).connect().await?;
    let start = Instant::now();
    let error = client.emit_with_ack::<u64>("wait", 100).await.unwrap_err();
    assert!(matches!(error, ClientError::Missed { .. }), "{error}");
    assert_eq!(start.elapsed().as_secs(), 7);
    drop(client);
    srv.stop().await;
    Ok(())
}
