//! Both kinds in one server, side by side.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use raw_websocket::{Clients, routes, socket_io};
use sio_client::test::{TestClient, TestServer};
use tokio_tungstenite::tungstenite::Message;

type Bare =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn server() -> TestServer {
    let (io, clients) = (socket_io(), Clients::default());
    let own = io.clone();
    TestServer::builder(io).app(move |config| routes(&own, &clients)(config)).start().await
}

async fn bare(srv: &TestServer) -> Bare {
    let url = srv.url().replace("http", "ws");
    let (stream, _) = tokio_tungstenite::connect_async(format!("{url}/ws")).await.unwrap();
    stream
}

async fn next(stream: &mut Bare) -> String {
    let message = tokio::time::timeout(Duration::from_secs(5), stream.next()).await;
    message.unwrap().unwrap().unwrap().into_text().unwrap().to_string()
}

#[actix_web::test]
async fn a_bare_websocket_echoes_and_tells_the_others() {
    let srv = server().await;
    let (mut ada, mut bob) = (bare(&srv).await, bare(&srv).await);
    // Who has its echo is in the list of clients.
    bob.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut bob).await, "echo: hello");
    ada.send(Message::text("good morning")).await.unwrap();
    assert_eq!(next(&mut bob).await, "good morning");
}

#[actix_web::test]
async fn a_client_that_went_is_told_nothing_and_harms_nobody() {
    let srv = server().await;
    let (mut ada, mut bob) = (bare(&srv).await, bare(&srv).await);
    bob.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut bob).await, "echo: hello");
    drop(bob);
    for text in ["one", "two"] {
        ada.send(Message::text(text)).await.unwrap();
        while next(&mut ada).await != format!("echo: {text}") {}
    }
}

#[actix_web::test]
async fn the_same_with_socket_io() {
    let srv = server().await;
    let (ada, bob) = (
        TestClient::connect(&srv, "/").await.unwrap(),
        TestClient::connect(&srv, "/").await.unwrap(),
    );
    ada.emit("message", "hello").await.unwrap();
    assert_eq!(ada.next::<String>("echo").await.unwrap(), "hello");
    assert_eq!(bob.next::<String>("said").await.unwrap(), "hello");
    ada.expect_none_of("said", Duration::from_millis(50)).await.unwrap();
}

#[actix_web::test]
async fn neither_hears_the_other() {
    let srv = server().await;
    let mut ada = bare(&srv).await;
    let bob = TestClient::connect(&srv, "/").await.unwrap();
    bob.emit("message", "hello").await.unwrap();
    assert_eq!(bob.next::<String>("echo").await.unwrap(), "hello");
    ada.send(Message::text("first")).await.unwrap();
    assert_eq!(next(&mut ada).await, "echo: first");
}
