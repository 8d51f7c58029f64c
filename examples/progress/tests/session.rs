//! The page, played by the Rust client.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::web::{Bytes, Data};
use progress::{Jobs, socket_io};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Binary, DisconnectReason};
use tokio::time::{self, Instant};

const MAX_FILE: u64 = 64 * 1024 * 1024;

async fn connect() -> (TestServer, TestClient) {
    connect_counted(Data::default()).await
}

async fn connect_counted(jobs: Data<Jobs>) -> (TestServer, TestClient) {
    let srv = TestServer::memory(socket_io("http://127.0.0.1:5173", jobs)).await;
    let client = TestClient::connect(&srv, "/").await.unwrap();
    (srv, client)
}

async fn announce(client: &TestClient, size: u64) -> Result<(), String> {
    let file = json!({ "name": "a.bin", "size": size });
    client.emit_with_ack::<()>("file", file).await.map_err(|error| error.to_string())
}

async fn chunk(client: &TestClient, offset: u64, bytes: &[u8]) -> Result<Value, String> {
    let args = (offset, Binary::from(bytes.to_vec()));
    client.emit_with_ack("chunk", args).await.map_err(|error| error.to_string())
}

/// A refusal with this code ends the upload: what follows has no file to go to.
async fn assert_refused(client: &TestClient, result: Result<Value, String>, code: &str) {
    let error = result.unwrap_err();
    assert!(error.starts_with(code), "{error}");
    let next = chunk(client, 0, &[1]).await.unwrap_err();
    assert!(next.starts_with("no_file"), "{next}");
}

#[actix_web::test]
async fn a_piece_of_a_file_that_was_not_announced_is_refused() {
    let (_srv, client) = connect().await;
    assert_refused(&client, chunk(&client, 0, &[1; 10]).await, "no_file").await;
}

#[actix_web::test]
async fn a_file_that_is_empty_or_too_large_is_refused_and_ends_the_one_before() {
    let (_srv, client) = connect().await;
    for size in [0, MAX_FILE + 1, u64::MAX] {
        announce(&client, MAX_FILE).await.unwrap();
        let refused = announce(&client, size).await.map(|()| Value::Null);
        assert_refused(&client, refused, "size").await;
    }
}

#[actix_web::test]
async fn a_file_that_is_longer_than_was_said_is_refused() {
    let (_srv, client) = connect().await;
    announce(&client, 15).await.unwrap();
    assert_eq!(chunk(&client, 0, &[1; 10]).await.unwrap(), json!({ "percent": 66 }));
    assert_refused(&client, chunk(&client, 10, &[1; 6]).await, "size").await;
}

#[actix_web::test]
async fn pieces_that_come_twice_or_out_of_order_are_refused() {
    let (_srv, client) = connect().await;
    for offset in [0, 9, 11, u64::MAX] {
        announce(&client, 100).await.unwrap();
        chunk(&client, 0, &[1; 10]).await.unwrap();
        assert_refused(&client, chunk(&client, offset, &[1; 10]).await, "order").await;
    }
}

#[actix_web::test]
async fn each_piece_is_answered_with_the_percentage_and_the_last_with_what_came() {
    let (_srv, client) = connect().await;
    let file: Vec<u8> = (0..=255).cycle().take(4 * 65_536).collect();
    announce(&client, 4 * 65_536).await.unwrap();
    for (offset, piece, percent) in [(0, 0, 25), (65_536, 1, 50), (2 * 65_536, 2, 75)] {
        let answer = chunk(&client, offset, &file[piece * 65_536..][..65_536]).await.unwrap();
        assert_eq!(answer, json!({ "percent": percent }));
    }
    let answer = chunk(&client, 3 * 65_536, &file[3 * 65_536..]).await.unwrap();
    let sha256 = format!("{:x}", Bytes::copy_from_slice(&Sha256::digest(&file)));
    assert_eq!(answer, json!({ "percent": 100, "sha256": sha256 }));
}

#[actix_web::test]
async fn an_echo_comes_back_between_the_logs() {
    let (_srv, client) = connect().await;
    let mut messages = client.stream::<String>("message");
    client.emit("message", "hello").await.unwrap();
    while messages.next().await.unwrap() != "[Echo] You sent -> hello" {}
}

#[actix_web::test]
async fn the_job_tells_how_far_it_is_and_disconnects_when_it_is_done() {
    time::pause();
    let jobs = Data::default();
    let (srv, client) = connect_counted(Data::clone(&jobs)).await;
    let start = Instant::now();
    let (mut progress, mut logs) = (client.stream::<u32>("progress"), client.stream("message"));
    for percent in 0..=100 {
        assert_eq!(progress.next().await.unwrap(), percent);
        let log: String = logs.next().await.unwrap();
        assert_eq!(log, format!("{percent}%: this could be a log"));
        assert_eq!(jobs.running(), 1);
    }
    assert_eq!(logs.next().await.unwrap(), "Done");
    assert_eq!(client.disconnected().await.unwrap(), DisconnectReason::ServerDisconnect);
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert_eq!(jobs.running(), 0);
    srv.stop().await;
}

#[actix_web::test]
async fn the_job_ends_with_its_connection_and_begins_anew_with_the_next() {
    time::pause();
    let jobs = Data::default();
    let (srv, client) = connect_counted(Data::clone(&jobs)).await;
    let mut progress = client.stream::<u32>("progress");
    while progress.next().await.unwrap() < 5 {}
    client.close().await;
    let end = Instant::now() + Duration::from_secs(1);
    while jobs.running() > 0 {
        assert!(Instant::now() < end, "the job goes on");
        time::sleep(Duration::from_millis(10)).await;
    }
    let client = TestClient::connect(&srv, "/").await.unwrap();
    assert_eq!(client.next::<u32>("progress").await.unwrap(), 0);
    client.cut();
    srv.stop().await;
    assert_eq!(jobs.running(), 0);
}
