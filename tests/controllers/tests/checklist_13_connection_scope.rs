//! Point 13: `scope = connection`: a value per client, `&mut self`, gone with the connection.

use actix_web::web;
use controllers_tests::{Back, Gate, Journal, OnDrop, TestResult, ack, end, fence, refused};
use serde::Deserialize;
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

#[derive(Deserialize)]
struct Start {
    start: i64,
}

struct Counter {
    count: i64,
    journal: Journal,
    gate: Gate,
    _dropped: OnDrop,
}

#[ws_controller("/counter", scope = connection)]
impl Counter {
    #[connect_guard]
    fn admitted(journal: web::Data<Journal>, auth: Auth<Start>) -> bool {
        journal.note("guard");
        auth.0.start != 13
    }

    #[create]
    async fn create(
        auth: Auth<Start>,
        journal: web::Data<Journal>,
        gate: web::Data<Gate>,
    ) -> Result<Self, ConnectError> {
        tokio::task::yield_now().await;
        journal.note("create");
        if auth.0.start < 0 {
            return Err(ConnectError::new("start below zero"));
        }
        let journal = Journal::clone(&journal);
        let _dropped = journal.on_drop("dropped");
        Ok(Self { count: auth.0.start, journal, gate: Gate::clone(&gate), _dropped })
    }

    #[on_connection]
    async fn joined(&mut self) {
        self.journal.note("joined");
        self.count += 100;
    }

    #[on_message("add")]
    fn add(&mut self, by: i64) -> i64 {
        self.count += by;
        self.count
    }

    #[on_message("slow add")]
    async fn slow_add(&mut self, by: i64) -> i64 {
        let before = self.count;
        self.journal.note("slow add");
        self.gate.pass().await;
        self.count = before + by;
        self.count
    }

    #[on_message("read")]
    fn read(&self) -> i64 {
        self.count
    }

    #[on_disconnect]
    fn left(&mut self) {
        self.journal.note(format!("left with {}", self.count));
    }
}

#[derive(Default)]
struct Plain {
    texts: Vec<String>,
}

#[ws_controller("/plain", scope = connection)]
impl Plain {
    #[on_message("push")]
    #[emit("all")]
    fn push(&mut self, text: String) -> Vec<String> {
        self.texts.push(text);
        self.texts.clone()
    }
}

fn io(journal: &Journal, gate: &Gate) -> sio_actix::IoBuilder {
    let gate = web::Data::new(gate.clone());
    Io::builder().data(journal.data()).data(gate).mount_scoped::<Counter>().mount_scoped::<Plain>()
}

#[actix_web::test]
async fn e13_create_that_fails_refuses_the_client() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal, &Gate::default())).await;
        let below = srv.client().namespace("/counter").auth(json!({ "start": -1 })).connect().await;
        assert_eq!(refused(below), ("start below zero".to_owned(), None));
        assert_eq!(journal.lines(), ["guard", "create"]);
        let guarded =
            srv.client().namespace("/counter").auth(json!({ "start": 13 })).connect().await;
        assert_eq!(refused(guarded).0, "not allowed");
        assert_eq!(journal.lines(), ["guard", "create", "guard"], "guards come before create");
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e13_each_client_has_its_own_state_which_goes_with_it() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let srv = back.start(io(&journal, &Gate::default())).await;
        let connect = |start: i64| {
            srv.client().namespace("/counter").auth(json!({ "start": start })).connect()
        };
        let (one, two) = (connect(0).await?, connect(1000).await?);
        assert_eq!(ack(&one, "add", (1,)).await?, json!([101]));
        assert_eq!(ack(&two, "add", (2,)).await?, json!([1102]));
        assert_eq!(ack(&one, "add", (1,)).await?, json!([102]));
        assert_eq!(journal.count("dropped"), 0);
        one.close().await;
        let lines = journal.wait("dropped").await;
        assert!(lines.ends_with(&["left with 102".to_owned(), "dropped".to_owned()]), "{lines:?}");
        assert_eq!(ack(&two, "read", ()).await?, json!([1102]));
        end(srv, two).await;
        journal.wait("left with 1102").await;
        journal
            .until("both dropped", |lines| lines.iter().filter(|l| *l == "dropped").count() == 2)
            .await;
    }
    Ok(())
}

#[actix_web::test]
async fn e13_events_of_one_connection_run_one_after_another() -> TestResult {
    for back in Back::ALL {
        let (journal, gate) = (Journal::default(), Gate::default());
        let srv = back.start(io(&journal, &gate)).await;
        let client =
            srv.client().namespace("/counter").auth(json!({ "start": 0 })).connect().await?;
        client.emit("slow add", (1,)).await?;
        client.emit("slow add", (1,)).await?;
        let read = ack(&client, "read", ());
        let open = async {
            journal.wait("slow add").await;
            gate.open();
        };
        let (read, ()) = tokio::join!(read, open);
        assert_eq!(read?, json!([102]), "no addition is lost");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e13_disconnect_handler_waits_for_the_value_and_then_it_is_dropped() -> TestResult {
    for back in Back::ALL {
        let (journal, gate) = (Journal::default(), Gate::default());
        let srv = back.start(io(&journal, &gate)).await;
        let client =
            srv.client().namespace("/counter").auth(json!({ "start": 0 })).connect().await?;
        client.emit("slow add", (1,)).await?;
        journal.wait("slow add").await;
        client.close().await;
        gate.open();
        let lines = journal.wait("dropped").await;
        let expected = ["guard", "create", "joined", "slow add", "left with 101", "dropped"];
        assert_eq!(lines, expected);
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e13_without_create_the_default_is_taken() -> TestResult {
    for back in Back::BOTH {
        let (srv, root) = back.connect(io(&Journal::default(), &Gate::default())).await?;
        // Two namespaces of one session, and two sessions.
        let (one, two) = (root.join("/plain").await?, TestClient::connect(&srv, "/plain").await?);
        ack(&one, "push", ("a",)).await?;
        assert_eq!(ack(&one, "push", ("b",)).await?, json!([["a", "b"]]));
        assert_eq!(ack(&two, "push", ("c",)).await?, json!([["c"]]));
        two.emit("push", ("d",)).await?;
        assert_eq!(two.next::<Vec<String>>("all").await?, ["c", "d"]);
        fence(&root).await?;
        end(srv, (root, one, two)).await;
    }
    Ok(())
}
