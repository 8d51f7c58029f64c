//! Point 20: disconnect handlers run once, whatever the reason, and not at all for a refused socket.

use std::time::Duration;

use controllers_tests::{Back, Journal, TestResult, ack, end, refused, without_sessions};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder};
use sio_client::TransportMode;
use sio_client::test::{TestClient, TestServer};

struct Ends(Journal);

#[ws_controller("/ends")]
impl Ends {
    #[connect_guard]
    fn admitted(&self, socket: Socket) -> bool {
        socket.handshake().query_value("refused").is_none()
    }

    #[on_connection]
    fn joined(&self, socket: Socket) {
        socket.join("room");
    }

    #[on_message("kick")]
    fn kick(&self, socket: Socket, close: bool) {
        socket.disconnect(close);
    }

    #[on_message("hello")]
    fn hello(&self) {}

    #[on_disconnecting]
    fn leaving(&self, socket: Socket, reason: DisconnectReason) {
        self.0.note(format!("leaving: {reason}, {} rooms", socket.rooms().len()));
    }

    #[on_disconnect]
    async fn left(&self, reason: DisconnectReason, socket: Socket) {
        self.0.note(format!("left: {reason}, {} rooms", socket.rooms().len()));
        tokio::task::yield_now().await;
        self.0.note("after");
    }
}

fn io(journal: &Journal) -> IoBuilder {
    Io::builder().mount(Ends(journal.clone()))
}

const MODES: [TransportMode; 2] = [TransportMode::Polling, TransportMode::Websocket];

type Cause = for<'a> fn(
    &'a TestServer,
    TestClient,
) -> std::pin::Pin<Box<dyn Future<Output = Option<TestClient>> + 'a>>;

/// Ends a connection in some way, on all back ends; gives the modes it works for.
async fn ends_with(reason: &str, modes: &[TransportMode], cause: Cause) -> TestResult {
    for (back, mode) in
        Back::ALL.iter().flat_map(|back| modes.iter().map(move |mode| (*back, *mode)))
    {
        let journal = Journal::default();
        let builder = io(&journal);
        let srv = back.start(builder).await;
        let client = srv.client().namespace("/ends").transport(mode).connect().await?;
        ack(&client, "hello", ()).await?;
        let client = cause(&srv, client).await;
        journal.wait("after").await;
        end(srv, client).await;
        let expected = [
            // Its own and the one it joined.
            format!("leaving: {reason}, 2 rooms"),
            format!("left: {reason}, 0 rooms"),
            "after".to_owned(),
        ];
        assert_eq!(journal.lines(), expected, "{mode:?}");
    }
    Ok(())
}

#[actix_web::test]
async fn e20_refused_connect_runs_no_disconnect_handler() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        refused(srv.client().namespace("/ends").query("refused", "1").connect().await);
        without_sessions(&srv).await;
        end(srv, ()).await;
        assert_eq!(journal.lines(), Vec::<String>::new());
    }
    Ok(())
}

#[actix_web::test]
async fn e20_client_leaves_the_namespace() -> TestResult {
    ends_with("client namespace disconnect", &MODES, |_, client| {
        Box::pin(async {
            client.close().await;
            None
        })
    })
    .await
}

#[actix_web::test]
async fn e20_client_closes_the_session() -> TestResult {
    ends_with("transport close", &MODES, |_, client| {
        Box::pin(async {
            client.raw("1");
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_transport_is_lost() -> TestResult {
    ends_with("transport close", &[TransportMode::Websocket], |_, client| {
        Box::pin(async {
            client.cut();
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_client_sends_what_is_no_packet() -> TestResult {
    ends_with("forced close", &[TransportMode::Websocket], |_, client| {
        Box::pin(async {
            client.raw("42/ends,[");
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_server_disconnects_the_socket() -> TestResult {
    ends_with("server namespace disconnect", &MODES, |_, client| {
        Box::pin(async {
            client.emit("kick", (false,)).await.unwrap();
            assert_eq!(client.disconnected().await.unwrap(), "io server disconnect");
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_server_disconnects_the_session() -> TestResult {
    ends_with("server namespace disconnect", &MODES, |_, client| {
        Box::pin(async {
            client.emit("kick", (true,)).await.unwrap();
            client.disconnected().await.unwrap();
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_server_shuts_down() -> TestResult {
    ends_with("server shutting down", &MODES, |srv, client| {
        Box::pin(async {
            srv.io().close();
            client.disconnected().await.unwrap();
            Some(client)
        })
    })
    .await
}

#[actix_web::test]
async fn e20_client_misses_its_pong() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let builder = io(&journal)
            .ping_interval(Duration::from_millis(50))
            .ping_timeout(Duration::from_millis(400));
        let srv = back.start(builder).await;
        // By hand: a session that sends its CONNECT and nothing more.
        let path = "/socket.io/?EIO=4&transport=polling";
        let (status, open) = srv.get(path).await;
        assert_eq!(status, 200, "{open}");
        // A ping may stand behind the open packet.
        let open = open[1..].split('\x1e').next().unwrap_or_default();
        let open: serde_json::Value = serde_json::from_str(open)?;
        let path = format!("{path}&sid={}", open["sid"].as_str().unwrap());
        assert_eq!(srv.post(&path, "40/ends,").await, (200, "ok".to_owned()));
        let lines = journal.wait("after").await;
        let expected = ["leaving: ping timeout, 2 rooms", "left: ping timeout, 0 rooms", "after"];
        assert_eq!(lines, expected);
        end(srv, ()).await;
        assert_eq!(journal.lines(), expected);
    }
    Ok(())
}

#[actix_web::test]
async fn e20_each_namespace_of_a_session_ends_once() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let (srv, root) = back.connect(io(&journal)).await?;
        let ends = root.join("/ends").await?;
        assert_eq!(ack(&ends, "hello", ()).await?, json!([]));
        root.upgraded().await?;
        root.cut();
        journal.wait("after").await;
        end(srv, (root, ends)).await;
        assert_eq!(journal.lines().len(), 3, "{:?}", journal.lines());
    }
    Ok(())
}
