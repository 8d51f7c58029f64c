//! The article's page, played by the Rust client.

#![allow(clippy::unwrap_used, reason = "tests")]

use progress::socket_io;
use serde_json::json;
use sio_client::test::{TestClient, TestServer};
use sio_client::{Binary, DisconnectReason};

async fn connect() -> (TestServer, TestClient) {
    let srv = TestServer::memory(socket_io("http://127.0.0.1:5173")).await;
    let client = TestClient::connect(&srv, "/").await.unwrap();
    (srv, client)
}

#[actix_web::test]
async fn a_file_that_was_not_announced_or_does_not_fit_is_refused() {
    let (_srv, client) = connect().await;
    let chunk = || Binary::from(vec![1; 10]);
    let error = client.emit_with_ack::<u64>("chunk", chunk()).await.unwrap_err().to_string();
    assert!(error.contains("no_file"), "{error}");
    for size in [0, 64 * 1024 * 1024 + 1] {
        let file = json!({ "name": "a", "size": size });
        let error = client.emit_with_ack::<()>("file", file).await.unwrap_err().to_string();
        assert!(error.contains("too large"), "{error}");
    }
    client.emit_with_ack::<()>("file", json!({ "name": "a", "size": 15 })).await.unwrap();
    assert_eq!(client.emit_with_ack::<u64>("chunk", chunk()).await.unwrap(), 66);
    let error = client.emit_with_ack::<u64>("chunk", chunk()).await.unwrap_err().to_string();
    assert!(error.contains("more came"), "{error}");
}

#[actix_web::test]
async fn a_file_comes_in_pieces_and_each_is_answered_with_the_percentage() {
    let (_srv, client) = connect().await;
    client
        .emit_with_ack::<()>("file", json!({ "name": "a.bin", "size": 4 * 65536 }))
        .await
        .unwrap();
    for percent in [25, 50, 75, 100] {
        let piece = Binary::from(vec![7; 65536]);
        assert_eq!(client.emit_with_ack::<u64>("chunk", piece).await.unwrap(), percent);
    }
}

#[actix_web::test]
async fn an_echo_comes_back_between_the_logs() {
    let (_srv, client) = connect().await;
    client.emit("message", "hello").await.unwrap();
    let mut messages = client.stream::<String>("message");
    while messages.next().await.unwrap() != "[Echo] You sent -> hello" {}
}

#[actix_web::test]
async fn the_job_tells_how_far_it_is_and_disconnects_when_it_is_done() {
    tokio::time::pause();
    let (srv, client) = connect().await;
    let mut progress = client.stream::<u32>("progress");
    for percent in 0..=100 {
        assert_eq!(progress.next().await.unwrap(), percent);
    }
    assert_eq!(client.disconnected().await.unwrap(), DisconnectReason::ServerDisconnect);
    srv.stop().await;
}

#[actix_web::test]
async fn the_job_ends_with_its_connection() {
    tokio::time::pause();
    let (srv, client) = connect().await;
    client.next::<u32>("progress").await.unwrap();
    client.close().await;
    // Fails if a task, a handler or a socket is left.
    srv.stop().await;
}
