//! HTTP controllers and options: `io` outside of events.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service};
use midway::Counts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sio_actix::Io;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};
use uuid::Uuid;

/// The first request of a client that begins with long-polling.
const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

async fn server(io: Io) -> TestServer {
    TestServer::builder(io).routes(midway::routes).memory().await
}

/// The JSON that a GET is answered with.
async fn get<T: DeserializeOwned>(srv: &TestServer, path: &str) -> T {
    let (status, body) = srv.get(path).await;
    assert_eq!(status, 200, "{path}");
    serde_json::from_str(&body).unwrap()
}

async fn two_clients(srv: &TestServer) -> Result<(TestClient, TestClient), ClientError> {
    Ok((TestClient::connect(srv, "/").await?, TestClient::connect(srv, "/").await?))
}

#[actix_web::test]
async fn an_http_controller_emits_to_all_clients_of_a_namespace() -> Result<(), ClientError> {
    tokio::time::pause();
    let srv = server(midway::io()).await;
    let (ada, bob) = two_clients(&srv).await?;
    let elsewhere = TestClient::connect(&srv, "/test").await?;
    assert_eq!(srv.get("/").await, (204, String::new()));
    for client in [&ada, &bob] {
        assert_eq!(client.next::<String>("hi").await?, "everyone");
    }
    elsewhere.expect_none(Duration::from_secs(1)).await?;
    assert!(elsewhere.received().is_empty());
    Ok(())
}

#[actix_web::test]
async fn sockets_are_fetched_all_by_room_and_by_id() -> Result<(), ClientError> {
    let srv = server(midway::io()).await;
    let (ada, bob) = two_clients(&srv).await?;
    bob.emit_with_ack::<()>("join", "room1").await?;
    let mut all: Vec<String> = get(&srv, "/sockets").await;
    all.sort_unstable();
    let mut expected = [ada.id(), bob.id()];
    expected.sort_unstable();
    assert_eq!(all, expected);
    assert_eq!(get::<Vec<String>>(&srv, "/sockets/room1").await, [bob.id()]);
    assert_eq!(get::<Vec<String>>(&srv, &format!("/sockets/{}", ada.id())).await, [ada.id()]);
    assert!(get::<Vec<String>>(&srv, "/sockets/room2").await.is_empty());
    Ok(())
}

#[actix_web::test]
async fn connections_and_clients_of_a_namespace_are_counted() -> Result<(), ClientError> {
    let srv = server(midway::io()).await;
    let counts = async || get::<Counts>(&srv, "/counts").await;
    assert_eq!(counts().await, Counts { sessions: 0, sockets: 0 });
    let (ada, _bob) = two_clients(&srv).await?;
    let _elsewhere = TestClient::connect(&srv, "/test").await?;
    // A second namespace over the same connection.
    let _both = ada.join("/test").await?;
    assert_eq!(counts().await, Counts { sessions: 3, sockets: 2 });
    Ok(())
}

/// The part of the open packet that is looked at.
#[derive(Deserialize)]
struct Handshake {
    sid: String,
}

/// Opens a session that joins no namespace, and gives its id.
async fn open(srv: &TestServer) -> String {
    let (status, body) = srv.get(HANDSHAKE).await;
    assert_eq!(status, 200, "{body}");
    let packet: Handshake = serde_json::from_str(body.strip_prefix('0').unwrap()).unwrap();
    packet.sid
}

#[actix_web::test]
async fn session_ids_are_made_by_the_program() {
    let srv = server(midway::io()).await;
    let ids = [open(&srv).await, open(&srv).await];
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 4, "{id}");
    }
}

#[actix_web::test]
async fn who_joins_no_namespace_is_dropped_after_the_connect_timeout() {
    tokio::time::pause();
    let srv = server(midway::builder().connect_timeout(Duration::from_secs(2)).build()).await;
    let id = open(&srv).await;
    assert_eq!(srv.io().session_count(), 1);
    let opened = tokio::time::Instant::now();
    // The poll is answered when the session ends.
    srv.get(&format!("{HANDSHAKE}&sid={id}")).await;
    assert_eq!(opened.elapsed().as_secs(), 2);
    assert_eq!(srv.io().session_count(), 0);
}

#[actix_web::test]
async fn one_app_serves_http_and_socket_io() {
    let app = init_service(App::new().configure(midway::app(&midway::io()))).await;
    for path in ["/counts", HANDSHAKE] {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.status(), 200, "{path}");
    }
}
