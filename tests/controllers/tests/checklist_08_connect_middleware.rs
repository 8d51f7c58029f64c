//! Point 8: a failing middleware around CONNECT refuses the client and leaves the process clean.

use controllers_tests::{Back, Journal, TestResult, ack, end, fence, note, refused};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder, Phase};
use sio_client::test::TestClient;

struct Inner(Journal);

#[ws_controller("/inner", middleware(picky))]
impl Inner {
    #[connect_guard]
    fn asked(&self) {
        self.0.note("guard");
    }

    #[on_connection]
    fn joined(&self) {
        self.0.note("joined");
    }

    #[on_disconnect]
    fn left(&self) {
        self.0.note("left");
    }

    #[on_message("echo")]
    fn echo(&self, text: String) -> String {
        text
    }
}

/// Does to a CONNECT what its query says.
async fn picky(cx: &EventCx<'_>, next: Next) -> Reply {
    if cx.phase() != Phase::Connect {
        return next.run().await;
    }
    let how = cx.socket().handshake().query_value("how").unwrap_or_default().into_owned();
    match how.as_str() {
        "before" => Reply::Err(EventError::new("closed", "not today").with_data(json!([1]))),
        "panics" => panic!("password of the database"),
        "after" => {
            let reply = next.run().await;
            assert!(!reply.is_err());
            Reply::Err(EventError::new("closed", "on second thoughts"))
        }
        "waits" => {
            tokio::task::yield_now().await;
            note(cx, "waited");
            next.run().await
        }
        _ => next.run().await,
    }
}

fn io(journal: &Journal) -> IoBuilder {
    Io::builder().data(journal.data()).mount(Inner(journal.clone()))
}

#[actix_web::test]
async fn e08_failing_connect_middleware_refuses_and_the_server_goes_on() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let (srv, bystander) = back.connect(io(&journal)).await?;
        for (how, message, data, lines) in [
            ("before", "not today", json!({ "code": "closed", "details": [1] }), &[][..]),
            ("panics", "internal error", json!({ "code": "internal" }), &[]),
            ("after", "on second thoughts", json!({ "code": "closed" }), &["guard"]),
        ] {
            let before = journal.lines().len();
            let client = srv.client().namespace("/inner").query("how", how).connect().await;
            assert_eq!(refused(client), (message.to_owned(), Some(data)), "{how}");
            assert_eq!(journal.lines()[before..], *lines, "{how}");
            assert_eq!(srv.io().of("/inner").socket_count(), 0);
        }
        fence(&bystander).await?;
        let client = srv.client().namespace("/inner").query("how", "waits").connect().await?;
        assert_eq!(ack(&client, "echo", ("a",)).await?, json!(["a"]));
        end(srv, (bystander, client)).await;
        assert_eq!(journal.lines(), ["guard", "waited", "guard", "joined", "left"]);
    }
    Ok(())
}

#[actix_web::test]
async fn e08_global_middleware_refuses_every_namespace() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal).middleware(picky)).await;
        for namespace in ["/", "/inner"] {
            let client = srv.client().namespace(namespace).query("how", "before").connect().await;
            assert_eq!(refused(client).0, "not today");
        }
        assert_eq!(journal.lines(), Vec::<String>::new());
        let client = TestClient::connect(&srv, "/inner").await?;
        assert_eq!(ack(&client, "echo", ("a",)).await?, json!(["a"]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e08_connect_middleware_that_panics_after_a_wait_refuses() -> TestResult {
    async fn late(cx: &EventCx<'_>, next: Next) -> Reply {
        let reply = next.run().await;
        tokio::task::yield_now().await;
        assert_ne!(cx.phase(), Phase::Connect, "password of the database");
        reply
    }
    for back in Back::BOTH {
        let srv = back.start(Io::builder().middleware(late)).await;
        let (message, data) = refused(TestClient::connect(&srv, "/").await);
        assert_eq!(
            (message.as_str(), data),
            ("internal error", Some(json!({ "code": "internal" })))
        );
        end(srv, ()).await;
    }
    Ok(())
}
