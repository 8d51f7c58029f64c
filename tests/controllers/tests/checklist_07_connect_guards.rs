//! Point 7: a guard refuses before CONNECT, and nothing of the socket remains.

use controllers_tests::{
    Back, Gate, Journal, OnDrop, TestResult, ack, end, error, fence, note, refused,
    without_sessions,
};
use serde::Deserialize;
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, on_events};
use sio_client::test::TestClient;

#[derive(Deserialize)]
struct Token {
    token: String,
}

struct User {
    name: String,
    _journal: OnDrop,
}

struct Members {
    journal: Journal,
    gate: Gate,
}

#[ws_controller("/members", guard(known, on_events(talkative)))]
impl Members {
    #[connect_guard]
    async fn authenticate(&self, auth: Auth<Token>) -> Result<State<User>, ConnectError> {
        self.journal.note("authenticate");
        match auth.0.token.as_str() {
            "slow" => self.gate.pass().await,
            "panics" => panic!("password of the database"),
            "bad" => {
                let data = json!({ "status": 401 });
                return Err(ConnectError::new("unknown token").with_data(data));
            }
            "plain" => return Err(ConnectError::new("no data")),
            _ => {}
        }
        let name = auth.0.token;
        Ok(State::new(User { name, _journal: self.journal.on_drop("state dropped") }))
    }

    #[connect_guard]
    fn second(&self, user: State<User>) -> bool {
        self.journal.note("second");
        user.name != "second refuses"
    }

    #[connect_guard]
    fn third(&self) -> Result<(), EventError> {
        Ok(())
    }

    #[on_connection]
    fn joined(&self, socket: Socket, user: State<User>) {
        socket.join("lobby");
        self.journal.note(format!("joined {}", user.name));
    }

    #[on_disconnect]
    fn left(&self, user: State<User>) {
        self.journal.note(format!("left {}", user.name));
    }

    #[on_message("whoami")]
    fn who_am_i(&self, user: State<User>) -> String {
        user.name.clone()
    }
}

/// Asked when a socket connects, and for every event.
fn known(cx: &EventCx<'_>) -> Result<(), EventError> {
    note(cx, format!("known {}", cx.phase()));
    let user = cx.state::<User>().expect("connect guards come first");
    match user.name.as_str() {
        "guard refuses" => Err(EventError::new("banned", "go away").with_data(json!({ "for": 3 }))),
        _ => Ok(()),
    }
}

/// Asked for events only.
fn talkative(cx: &EventCx<'_>) -> bool {
    note(cx, format!("talkative {}", cx.phase()));
    cx.state::<User>().is_some_and(|user| user.name != "mute")
}

struct Doors;

#[ws_controller("/doors", guard(|_: &EventCx<'_>| true))]
impl Doors {
    #[on_connection]
    #[guard(closed)]
    fn joined(&self, socket: Socket) {
        panic!("{} must not get here", socket.id());
    }
}

async fn closed(_: &EventCx<'_>) -> bool {
    tokio::task::yield_now().await;
    false
}

fn io(journal: &Journal, gate: &Gate) -> sio_actix::IoBuilder {
    let members = Members { journal: journal.clone(), gate: gate.clone() };
    Io::builder().data(journal.data()).mount(members).mount(Doors)
}

#[actix_web::test]
async fn e07_refusal_has_message_and_data_and_leaves_nothing() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal, &Gate::default())).await;
        for (token, message, data, steps) in [
            ("bad", "unknown token", Some(json!({ "status": 401 })), 1),
            ("plain", "no data", None, 1),
            ("panics", "internal error", Some(json!({ "code": "internal" })), 1),
            ("second refuses", "not allowed", Some(json!({ "code": "forbidden" })), 2),
            (
                "guard refuses",
                "go away",
                Some(json!({ "code": "banned", "details": { "for": 3 } })),
                3,
            ),
        ] {
            let before = journal.lines().len();
            let client = srv.client().namespace("/members").auth(json!({ "token": token }));
            assert_eq!(refused(client.connect().await), (message.to_owned(), data), "{token}");
            let lines: Vec<_> = journal.lines().split_off(before);
            let expected = ["authenticate", "second", "known connect"];
            assert_eq!(lines.iter().filter(|line| *line != "state dropped").count(), steps);
            assert!(lines.starts_with(&expected.map(String::from)[..steps]), "{token}: {lines:?}");
            assert_eq!(srv.io().of("/members").socket_count(), 0);
        }
        journal
            .until("all states dropped", |lines| {
                lines.iter().filter(|line| *line == "state dropped").count() == 2
            })
            .await;
        // Neither a session, nor a socket, nor a room.
        end(srv, ()).await;
        assert!(!journal.lines().iter().any(|line| line.starts_with("joined")));
        assert!(!journal.lines().iter().any(|line| line.starts_with("left")));
    }
    Ok(())
}

#[actix_web::test]
async fn e07_auth_that_does_not_fit_is_refused_with_bad_auth() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default(), &Gate::default())).await;
        for auth in [json!({}), json!({ "token": 7 })] {
            let client = srv.client().namespace("/members").auth(&auth).connect().await;
            let (_, data) = refused(client);
            assert_eq!(data, Some(json!({ "code": "bad_auth" })), "{auth}");
        }
        let none = TestClient::connect(&srv, "/members").await;
        assert_eq!(refused(none).1, Some(json!({ "code": "bad_auth" })));
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e07_guard_of_a_connection_handler_refuses_before_connect() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default(), &Gate::default())).await;
        let (message, data) = refused(TestClient::connect(&srv, "/doors").await);
        assert_eq!((message.as_str(), data), ("not allowed", Some(json!({ "code": "forbidden" }))));
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e07_accepted_state_is_there_in_every_handler() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal, &Gate::default())).await;
        let ada = srv.client().namespace("/members").auth(json!({ "token": "ada" }));
        let ada = ada.connect().await?;
        assert_eq!(ack(&ada, "whoami", ()).await?, json!(["ada"]));
        let expected = [
            "authenticate",
            "second",
            "known connect",
            "joined ada",
            "known event",
            "talkative event",
        ];
        assert_eq!(journal.lines(), expected);
        end(srv, ada).await;
        let lines = journal.wait("state dropped").await;
        assert_eq!(lines[expected.len()..], ["left ada", "state dropped"]);
    }
    Ok(())
}

#[actix_web::test]
async fn e07_on_events_guard_lets_connect_and_refuses_events() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default(), &Gate::default())).await;
        let mute = srv.client().namespace("/members").auth(json!({ "token": "mute" }));
        let mute = mute.connect().await?;
        assert_eq!(error(&mute, "whoami", ()).await?["code"], "forbidden");
        end(srv, mute).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e07_refused_namespace_leaves_the_others_of_the_session_alone() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(io(&Journal::default(), &Gate::default())).await?;
        refused(client.join("/doors").await);
        refused(client.join("/doors").await);
        fence(&client).await?;
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e07_client_that_leaves_while_a_guard_waits_is_never_connected() -> TestResult {
    for back in Back::BOTH {
        let (journal, gate) = (Journal::default(), Gate::default());
        let srv = back.start(io(&journal, &gate)).await;
        let slow = srv.client().namespace("/members").auth(json!({ "token": "slow" }));
        let connecting = slow.connect();
        tokio::select! {
            connected = connecting => panic!("connected before the guard: {connected:?}"),
            _ = journal.wait("authenticate") => {}
        }
        without_sessions(&srv).await;
        gate.open();
        end(srv, ()).await;
        assert!(!journal.lines().iter().any(|line| line.starts_with("joined")));
    }
    Ok(())
}
