//! A WebSocket server that sends what it likes, and one that does not read.

use std::future::pending;
use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::SinkExt as _;
use sio_client::{Client, DisconnectReason, LifeEvent, Socket, TransportMode};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const OPEN: &str = r#"0{"sid":"abc","upgrades":[],"pingInterval":300,"pingTimeout":300}"#;
const GRANTED: &str = "40{\"sid\":\"s\"}";

/// A server for one client; gone when dropped.
struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens a session, grants `/`, sends the messages and then stays, without reading.
async fn server(messages: Vec<Message>) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut websocket: WebSocketStream<TcpStream> =
            tokio_tungstenite::accept_async(stream).await.unwrap();
        for message in [Message::text(OPEN), Message::text(GRANTED)].into_iter().chain(messages) {
            // The client may have gone already.
            if websocket.send(message).await.is_err() {
                return;
            }
        }
        pending::<()>().await;
    });
    Server { url, task }
}

fn socket(srv: &Server) -> Socket {
    let client = Client::builder(&srv.url)
        .transport(TransportMode::Websocket)
        .reconnection(None)
        .limits(|limits| limits.max_message_size = 10_000)
        .build()
        .unwrap();
    client.socket("/")
}

async fn end_after(messages: Vec<Message>) -> DisconnectReason {
    let srv = server(messages).await;
    let socket = socket(&srv);
    let mut life = socket.life();
    socket.connect().await.unwrap();
    let ended = async {
        loop {
            if let Some(LifeEvent::Disconnect(reason)) = life.next().await {
                return reason;
            }
        }
    };
    timeout(Duration::from_secs(5), ended).await.unwrap()
}

#[actix_web::test]
async fn broken_frames_end_the_session() {
    for (message, reason) in [
        (Message::text(""), DisconnectReason::TransportError),
        (Message::text("x"), DisconnectReason::TransportError),
        (Message::text("42"), DisconnectReason::ParseError),
        (Message::binary(vec![1, 2, 3]), DisconnectReason::ParseError),
        (Message::text("4".repeat(10_001)), DisconnectReason::TransportError),
        (Message::binary(vec![0; 10_001]), DisconnectReason::TransportError),
        (Message::text("1"), DisconnectReason::TransportClose),
        (Message::Close(None), DisconnectReason::TransportClose),
    ] {
        assert_eq!(end_after(vec![message.clone()]).await, reason, "{message:?}");
    }
}

#[actix_web::test]
async fn pings_and_controls_keep_a_session_until_they_stop() {
    let messages = vec![
        Message::Ping(vec![1].into()),
        Message::Pong(Vec::new().into()),
        Message::text("2"),
        Message::text("6"),
    ];
    assert_eq!(end_after(messages).await, DisconnectReason::PingTimeout);
}

#[actix_web::test]
async fn emits_to_a_server_that_does_not_read_end_with_its_session() {
    let srv = server(Vec::new()).await;
    let socket = socket(&srv);
    socket.connect().await.unwrap();
    let text = "x".repeat(200_000);
    let sent = async {
        let mut sent = 0;
        while socket.emit("much", &text).await.is_ok() {
            sent += 1;
        }
        sent
    };
    // It waits for room, and fails when the heartbeat does.
    let sent = timeout(Duration::from_secs(5), sent).await.unwrap();
    assert!((5..1000).contains(&sent), "{sent}");
    assert!(!socket.is_active());
}
