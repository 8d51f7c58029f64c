//! Cables that break, peers that do not read, and literal packets.

use std::time::Duration;

use sio_actix::{DisconnectReason as ServerReason, Io, Socket};
use sio_client::test::{TestClient, TestServer};
use sio_client::{ClientError, DisconnectReason, Reconnection, TransportMode};
use tokio::sync::mpsc;

const MODES: [TransportMode; 2] = [TransportMode::Polling, TransportMode::Websocket];

/// Tells the reasons its sockets end with.
fn app(interval: u64, timeout: u64) -> (Io, mpsc::UnboundedReceiver<ServerReason>) {
    let (reasons, ended) = mpsc::unbounded_channel();
    let io = Io::builder()
        .ping_interval(Duration::from_millis(interval))
        .ping_timeout(Duration::from_millis(timeout))
        .namespace("/", |ns| {
            ns.on("echo", async |s: Socket, value: i64| s.emit("echo", value));
            ns.on_disconnect(move |reason: ServerReason| {
                let _over = reasons.send(reason);
            });
        })
        .build();
    (io, ended)
}

async fn both() -> [(TestServer, mpsc::UnboundedReceiver<ServerReason>); 2] {
    both_with(25_000, 20_000).await
}

/// With a short heartbeat: by polling, a cut between two polls is noticed by nothing else.
async fn both_beating() -> [(TestServer, mpsc::UnboundedReceiver<ServerReason>); 2] {
    both_with(200, 200).await
}

async fn both_with(
    interval: u64,
    timeout: u64,
) -> [(TestServer, mpsc::UnboundedReceiver<ServerReason>); 2] {
    let (port, memory) = (app(interval, timeout), app(interval, timeout));
    [(TestServer::start(port.0).await, port.1), (TestServer::memory(memory.0).await, memory.1)]
}

#[actix_web::test]
async fn a_cut_is_seen_on_both_sides() -> Result<(), ClientError> {
    for (srv, mut ended) in both_beating().await {
        for mode in MODES {
            let client = srv.client().transport(mode).connect().await?;
            client.emit("echo", 1).await?;
            assert_eq!(client.next::<i64>("echo").await?, 1);
            client.cut();
            let reason = client.disconnected().await?;
            assert!(
                matches!(
                    reason,
                    DisconnectReason::TransportError | DisconnectReason::TransportClose
                ),
                "{reason}"
            );
            assert!(ended.recv().await.is_some());
        }
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn a_cut_connection_comes_back() -> Result<(), ClientError> {
    for (srv, mut ended) in both_beating().await {
        for mode in MODES {
            let soon = Reconnection::within(Duration::from_millis(5), Duration::from_millis(20));
            let client = srv.client().transport(mode).reconnection(soon).connect().await?;
            let mut echoes = client.stream::<i64>("echo");
            client.cut();
            assert!(ended.recv().await.is_some());
            client.disconnected().await?;
            client.emit("echo", 1).await?;
            assert_eq!(echoes.next().await?, 1);
            client.close().await;
            assert!(ended.recv().await.is_some());
        }
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn a_stalled_client_gets_everything_later() -> Result<(), ClientError> {
    for (srv, _ended) in both().await {
        for mode in MODES {
            let client = srv.client().transport(mode).connect().await?;
            client.stall();
            for number in 0..10 {
                srv.io().emit("echo", number).unwrap();
            }
            client.expect_none(Duration::from_millis(30)).await?;
            client.resume();
            for number in 0..10 {
                assert_eq!(client.next::<i64>("echo").await?, number);
            }
            client.close().await;
        }
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn literal_packets_reach_the_server() -> Result<(), ClientError> {
    for (srv, mut ended) in both().await {
        for mode in MODES {
            let client = srv.client().transport(mode).connect().await?;
            client.raw("42[\"echo\",7]");
            assert_eq!(client.next::<i64>("echo").await?, 7);
            client.raw("42{}");
            client.disconnected().await?;
            let reason = ended.recv().await.unwrap();
            assert!(
                matches!(reason, ServerReason::ForcedClose | ServerReason::ForcedServerClose),
                "{reason}"
            );
        }
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn an_end_in_every_way_has_its_reason_on_the_server() -> Result<(), ClientError> {
    for (srv, mut ended) in both().await {
        for mode in MODES {
            let client = srv.client().transport(mode).connect().await?;
            client.close().await;
            assert_eq!(ended.recv().await, Some(ServerReason::ClientNamespaceDisconnect));
            let client = srv.client().transport(mode).connect().await?;
            drop(client);
            assert_eq!(ended.recv().await, Some(ServerReason::ClientNamespaceDisconnect));
            let client = TestClient::connect(&srv, "/").await?;
            client.emit("echo", 1).await?;
            drop(client);
            assert_eq!(ended.recv().await, Some(ServerReason::ClientNamespaceDisconnect));
        }
        srv.stop().await;
    }
    Ok(())
}
