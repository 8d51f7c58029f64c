//! Point 21: whatever is wrong, the test client gives an error in time and never hangs.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use controllers_tests::{Back, DEADLINE, Gate, TestResult, ack, end, refused};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;
use sio_client::{Client, ClientError, ConnectError, TransportError, TransportMode};

struct Doors;

#[ws_controller("/doors")]
impl Doors {
    #[connect_guard]
    fn admitted(&self) -> Result<(), sio_actix::ConnectError> {
        Err(sio_actix::ConnectError::new("closed").with_data(json!({ "until": 9 })))
    }
}

struct Undecided(Gate);

#[ws_controller("/undecided")]
impl Undecided {
    #[connect_guard]
    async fn admitted(&self) {
        self.0.pass().await;
    }
}

struct Silent(Gate);

#[ws_controller("/silent")]
impl Silent {
    #[on_message("asked")]
    async fn asked(&self) {
        self.0.pass().await;
    }
}

const MODES: [TransportMode; 3] =
    [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade];
const SHORT: Duration = Duration::from_millis(100);

#[actix_web::test]
async fn e21_refused_is_an_error_with_message_and_data() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let srv = back.start(Io::builder().mount(Doors)).await;
        let client = srv.client().namespace("/doors").transport(mode).connect().await;
        assert_eq!(refused(client), ("closed".to_owned(), Some(json!({ "until": 9 }))));
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e21_unknown_namespace_is_an_error() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let srv = back.start(Io::builder()).await;
        let client = srv.client().namespace("/nowhere").transport(mode).connect().await;
        assert_eq!(refused(client), ("Invalid namespace".to_owned(), None));
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e21_wrong_path_is_an_error() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let srv = back.start(Io::builder()).await;
        let client = srv.client().path("/elsewhere").transport(mode).connect().await;
        match client {
            Err(ConnectError::Transport(TransportError::Refused { status: 404, .. })) => {}
            other => panic!("{mode:?}: {other:?}"),
        }
        end(srv, ()).await;
    }
    Ok(())
}

/// Connects to a port by hand; gives the error and how long it took.
async fn fails(port: u16, mode: TransportMode) -> ConnectError {
    let client = Client::builder(&format!("http://127.0.0.1:{port}"))
        .transport(mode)
        .reconnection(None)
        .connect_timeout(SHORT)
        .build()
        .expect("the options are right");
    let begin = Instant::now();
    let error = client.socket("/").connect().await.expect_err("there is no server");
    assert!(begin.elapsed() < DEADLINE, "{mode:?}: it took {:?}", begin.elapsed());
    error
}

#[actix_web::test]
async fn e21_wrong_port_is_an_error() -> TestResult {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    drop(listener);
    for mode in MODES {
        let error = fails(port, mode).await;
        assert!(matches!(error, ConnectError::Transport(_)), "{mode:?}: {error:?}");
    }
    Ok(())
}

#[actix_web::test]
async fn e21_port_that_never_answers_is_an_error_in_time() -> TestResult {
    // Accepts, as the system does for it, and says nothing.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    for mode in MODES {
        let error = fails(listener.local_addr()?.port(), mode).await;
        let text = error.to_string();
        assert!(text.contains("no answer"), "{mode:?}: {text}");
    }
    Ok(())
}

#[actix_web::test]
async fn e21_server_that_stopped_is_an_error() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(Io::builder()).await;
        srv.io().close();
        let error = srv.client().timeout(SHORT).connect().await.expect_err("it is closed");
        assert!(
            matches!(error, ConnectError::Transport(TransportError::Refused { status: 503, .. })),
            "{error:?}"
        );
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e21_guard_that_never_decides_is_an_error_in_time() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let gate = Gate::default();
        let srv = back.start(Io::builder().mount(Undecided(gate.clone()))).await;
        let client = srv.client().namespace("/undecided").transport(mode).timeout(SHORT);
        let error = client.connect().await.expect_err("nobody decides");
        assert_eq!(error, ConnectError::Timeout(SHORT), "{mode:?}");
        gate.open();
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e21_waits_tell_what_came_instead() -> TestResult {
    for back in Back::BOTH {
        let gate = Gate::default();
        let srv = back.start(Io::builder().mount(Silent(gate.clone()))).await;
        let client = srv.client().namespace("/silent").timeout(SHORT).connect().await?;
        srv.io().of("/silent").emit("other", (1, "two"))?;
        client.next::<sio_client::Args<(u8, String)>>("other").await?;
        for error in [
            client.emit_with_ack::<u8>("asked", ()).await.expect_err("no answer"),
            client.next::<u8>("news").await.expect_err("no event"),
            client.once::<u8>("news").await.expect_err("no event"),
            client.disconnected().await.expect_err("it is connected"),
        ] {
            assert!(matches!(error, ClientError::Missed { .. }), "{error:?}");
            assert!(error.to_string().contains(r#"`other`(1,"two")"#), "{error}");
        }
        gate.open();
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e21_wrong_type_of_an_answer_is_an_error() -> TestResult {
    for back in Back::BOTH {
        let gate = Gate::default();
        gate.open();
        let srv = back.start(Io::builder().mount(Silent(gate))).await;
        let client = TestClient::connect(&srv, "/silent").await?;
        let error = client.emit_with_ack::<u8>("asked", ()).await.expect_err("the ack is empty");
        assert!(error.to_string().contains("argument 0 is missing"), "{error}");
        assert_eq!(ack(&client, "asked", ()).await?, json!([]));
        end(srv, client).await;
    }
    Ok(())
}
