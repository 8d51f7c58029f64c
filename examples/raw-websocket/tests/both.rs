//! Both kinds in one server, side by side.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use raw_websocket::{Clients, routes, socket_io};
use sio_client::test::{TestClient, TestServer};
use sio_client::{Args, ClientError, DisconnectReason};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const DEADLINE: Duration = Duration::from_secs(10);
const ORIGIN: &str = "http://page.example";

async fn server() -> (TestServer, Clients) {
    let (io, clients) = (socket_io(), Clients::default());
    let (own, app) = (io.clone(), clients.clone());
    (TestServer::builder(io).app(move |config| routes(&own, &app)(config)).start().await, clients)
}

struct Bare(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Bare {
    async fn connect(srv: &TestServer) -> Self {
        let url = format!("{}/ws", srv.url().replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
        let mut client = Self(connect_async(request).await.unwrap().0);
        // Who has an echo is one of the clients.
        client.send("hello").await;
        client.expect("[Echo] You sent -> hello").await;
        client
    }

    async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text or close message.
    async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.0.next()).await.unwrap();
            match message.unwrap().unwrap() {
                Message::Ping(_) => {}
                message => return message,
            }
        }
    }

    async fn expect(&mut self, text: &str) {
        assert_eq!(self.next().await, Message::Text(Utf8Bytes::from(text)));
    }

    async fn expect_close(&mut self, code: u16, why: &str) {
        let Message::Close(Some(frame)) = self.next().await else { panic!("not closed") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code, why));
    }
}

async fn until(what: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !what() {
        assert!(Instant::now() < end, "it does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_bare_websocket_takes_no_bytes_and_no_more_than_a_message_may_have() {
    let (srv, clients) = server().await;
    let mut ada = Bare::connect(&srv).await;
    ada.0.send(Message::binary(vec![1])).await.unwrap();
    ada.expect_close(1003, "text only").await;
    let mut bob = Bare::connect(&srv).await;
    bob.send(&"x".repeat(64 * 1024 + 1)).await;
    until(|| clients.count() == 0).await;
}

#[actix_web::test]
async fn a_request_that_is_no_handshake_is_refused() {
    let (srv, clients) = server().await;
    assert_eq!(srv.get("/ws").await.0, 400);
    assert_eq!(clients.count(), 0);
}

#[actix_web::test]
async fn a_bare_websocket_echoes_and_tells_the_others() {
    let (srv, _) = server().await;
    let mut bob = Bare::connect(&srv).await;
    let mut ada = Bare::connect(&srv).await;
    bob.expect("[http://page.example] hello").await;
    ada.send("good morning").await;
    bob.expect("[http://page.example] good morning").await;
    ada.expect("[Echo] You sent -> good morning").await;
    ada.send("bye").await;
    ada.expect("[Echo] You sent -> bye").await;
    ada.expect_close(1000, "Bye").await;
}

#[actix_web::test]
async fn who_does_not_read_is_left_behind_and_harms_nobody() {
    let (srv, clients) = server().await;
    let stalled = Bare::connect(&srv).await;
    let mut ada = Bare::connect(&srv).await;
    let text = "x".repeat(60 * 1024);
    let echo = format!("[Echo] You sent -> {text}");
    let end = Instant::now() + DEADLINE;
    while clients.count() == 2 {
        assert!(Instant::now() < end, "nobody was left behind");
        ada.send(&text).await;
        ada.expect(&echo).await;
    }
    drop(stalled);
}

#[actix_web::test]
async fn who_went_without_a_word_is_forgotten() {
    let (srv, clients) = server().await;
    let mut ada = Bare::connect(&srv).await;
    drop(Bare::connect(&srv).await);
    until(|| clients.count() == 1).await;
    ada.expect("[http://page.example] hello").await;
    ada.send("again").await;
    ada.expect("[Echo] You sent -> again").await;
}

#[actix_web::test]
async fn the_same_with_socket_io() -> Result<(), ClientError> {
    let (srv, _) = server().await;
    let ada = TestClient::connect(&srv, "/").await?;
    let bob = TestClient::connect(&srv, "/").await?;
    ada.emit("message", "hello").await?;
    assert_eq!(ada.next::<String>("echo").await?, "hello");
    let said = bob.next::<Args<(String, String)>>("said").await?;
    assert_eq!(said.0, (ada.id(), "hello".to_owned()));
    ada.expect_none_of("said", Duration::from_millis(50)).await?;
    ada.emit("bye", ()).await?;
    assert_eq!(ada.disconnected().await?, DisconnectReason::ServerDisconnect);
    Ok(())
}

#[actix_web::test]
async fn neither_kind_hears_the_other() -> Result<(), ClientError> {
    let (srv, _) = server().await;
    let mut ada = Bare::connect(&srv).await;
    let bob = TestClient::connect(&srv, "/").await?;
    bob.emit("message", "from bob").await?;
    assert_eq!(bob.next::<String>("echo").await?, "from bob");
    ada.send("from ada").await;
    ada.expect("[Echo] You sent -> from ada").await;
    bob.expect_none_of("said", Duration::from_millis(50)).await
}
