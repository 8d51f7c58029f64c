//! A server that opens a session and then talks rubbish: an end with a reason, never a panic or a wait.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::SinkExt as _;
use sio_client::{Client, ConnectError, DisconnectReason, TransportMode};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::raw::{OPEN, RawServer, Reply, ok};

/// Opens, accepts pushes, and answers the polls with `polls` one after another; then says nothing.
async fn scripted(polls: &'static [&'static str]) -> RawServer {
    let next = AtomicUsize::new(0);
    RawServer::start(move |request| {
        if request.starts_with("POST") {
            return ok("ok");
        }
        if !request.contains("sid=") {
            return ok(OPEN);
        }
        match polls.get(next.fetch_add(1, Ordering::Relaxed)) {
            Some(body) => ok(body),
            None => Reply::Silence,
        }
    })
    .await
}

fn client(srv: &RawServer) -> Client {
    Client::builder(&srv.url)
        .transport(TransportMode::Polling)
        .reconnection(None)
        .connect_timeout(Duration::from_secs(2))
        .limits(|limits| {
            limits.max_attachments = 3;
            limits.max_binary_packet = 100;
        })
        .build()
        .unwrap()
}

/// Connects, and says why the session ended.
async fn end_after(rubbish: &'static [&'static str]) -> DisconnectReason {
    let srv = scripted(rubbish).await;
    let socket = client(&srv).socket("/");
    let mut life = socket.life();
    socket.connect().await.unwrap();
    let ended = async {
        loop {
            if let Some(sio_client::LifeEvent::Disconnect(reason)) = life.next().await {
                return reason;
            }
        }
    };
    timeout(Duration::from_secs(5), ended).await.expect("the session ends")
}

#[actix_web::test]
async fn broken_engine_packets_are_transport_errors() {
    for rubbish in ["", "x", "4x\u{1e}", "9", "b*", "\u{1e}", "é"] {
        let polls: &[&str] = Box::leak(Box::new(["40{\"sid\":\"s\"}", rubbish]));
        let reason = end_after(polls).await;
        // `4x` is a message, and no Socket.IO packet.
        let expected = if rubbish.starts_with('4') {
            DisconnectReason::ParseError
        } else {
            DisconnectReason::TransportError
        };
        assert_eq!(reason, expected, "{rubbish:?}");
    }
}

#[actix_web::test]
async fn broken_packets_are_parse_errors() {
    for rubbish in [
        "4",
        "47",
        "42",
        "42[]",
        "42[1",
        "42{}",
        "42[null]",
        "42[\"a\",]",
        "42[\"a\",1]x",
        "42[\"disconnect\"]",
        "43[1]",
        "430{}",
        "4399999999999999999999[]",
        "451-[\"a\",{\"_placeholder\":true,\"num\":0}]\u{1e}42[\"b\"]",
        "451-[\"a\",{\"_placeholder\":true,\"num\":7}]\u{1e}bAQID",
        "454-[\"a\"]",
        "450-[\"a\"]",
        "bAQID",
        "41x",
        "44[",
        "42[\"deep\",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    ] {
        let polls: &[&str] = Box::leak(Box::new(["40{\"sid\":\"s\"}", rubbish]));
        assert_eq!(end_after(polls).await, DisconnectReason::ParseError, "{rubbish}");
    }
}

#[actix_web::test]
async fn strange_but_legal_packets_are_ignored_up_to_the_close() {
    const ODD: &str = concat!(
        "0{}\u{1e}5\u{1e}6\u{1e}3\u{1e}2x\u{1e}",
        "42/other,[\"a\"]\u{1e}437[1]\u{1e}40/other,{}\u{1e}44/other,\"no\"\u{1e}41/other,\u{1e}",
        "42[5,\"a number is a name\"]\u{1e}42[\"nobody listens\",{}]\u{1e}427[\"nor answers\"]\u{1e}1"
    );
    let reason = end_after(&["40{\"sid\":\"s\"}", ODD]).await;
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn too_large_attachments_are_a_parse_error() {
    let base64 = "A".repeat(136);
    let packet = format!("451-[\"a\",{{\"_placeholder\":true,\"num\":0}}]\u{1e}b{base64}");
    let packet: &'static str = packet.leak();
    let polls: &[&str] = Box::leak(Box::new(["40{\"sid\":\"s\"}", packet]));
    assert_eq!(end_after(polls).await, DisconnectReason::ParseError);
}

#[actix_web::test]
async fn an_old_server_is_refused_with_words() {
    let srv = scripted(&["40"]).await;
    let error = client(&srv).socket("/").connect().await.unwrap_err();
    assert!(matches!(&error, ConnectError::Refused { message, .. } if message.contains("version")));
    let srv = scripted(&["44\"go away\""]).await;
    let error = client(&srv).socket("/").connect().await.unwrap_err();
    assert_eq!(error, ConnectError::Refused { message: "go away".to_owned(), data: None });
}

#[actix_web::test]
async fn a_close_while_connecting_is_an_error() {
    let srv = scripted(&["1"]).await;
    let error = client(&srv).socket("/").connect().await.unwrap_err();
    assert_eq!(error, ConnectError::Disconnected(DisconnectReason::TransportClose));
}

#[actix_web::test]
async fn an_unanswered_connect_is_a_timeout() {
    let srv = scripted(&["6"]).await;
    let client = Client::builder(&srv.url)
        .transport(TransportMode::Polling)
        .connect_timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let socket = client.socket("/");
    let error = socket.connect().await.unwrap_err();
    assert_eq!(error, ConnectError::Timeout(Duration::from_millis(300)));
    assert!(!socket.is_active(), "an attempt that timed out is given up");
}

#[actix_web::test]
async fn an_upgrade_that_fails_leaves_polling_as_it_is() {
    let next = AtomicUsize::new(0);
    let srv = RawServer::start(move |request| {
        if request.contains("transport=websocket") {
            return Reply::Last(b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n".to_vec());
        }
        if request.starts_with("POST") {
            return ok("ok");
        }
        if !request.contains("sid=") {
            return ok(&OPEN.replace("[]", "[\"websocket\"]"));
        }
        match next.fetch_add(1, Ordering::Relaxed) {
            0 => ok("40{\"sid\":\"s\"}"),
            1 => ok("42[\"hello\",1]"),
            _ => Reply::Silence,
        }
    })
    .await;
    let client = Client::builder(&srv.url).build().unwrap();
    let socket = client.socket("/");
    let hello = socket.once::<i64>("hello");
    socket.connect().await.unwrap();
    assert_eq!(timeout(Duration::from_secs(5), hello).await.unwrap(), Ok(1));
    assert_eq!(client.transport(), Some(sio_client::Transport::Polling));
}

#[actix_web::test]
async fn a_flood_of_websocket_pings_ends_the_session() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut websocket = tokio_tungstenite::accept_async(stream).await.unwrap();
        websocket.send(Message::text(OPEN)).await.unwrap();
        websocket.send(Message::text("40{\"sid\":\"s\"}")).await.unwrap();
        // Never reads, so that the answers have nowhere to go.
        while websocket.send(Message::Ping(vec![0; 100].into())).await.is_ok() {}
    });
    let client = Client::builder(&url)
        .transport(TransportMode::Websocket)
        .reconnection(None)
        .build()
        .unwrap();
    let socket = client.socket("/");
    let mut life = socket.life();
    socket.connect().await.unwrap();
    let ended = async {
        loop {
            if let Some(sio_client::LifeEvent::Disconnect(reason)) = life.next().await {
                return reason;
            }
        }
    };
    let reason = timeout(Duration::from_secs(5), ended).await.expect("the session ends");
    assert_eq!(reason, DisconnectReason::TransportError);
}
