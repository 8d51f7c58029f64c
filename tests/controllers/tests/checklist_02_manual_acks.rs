//! Point 2: acks that a handler answers by hand.

use std::sync::Arc;

use controllers_tests::{Back, Gate, Journal, TestResult, ack, end, error};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

#[derive(Default, Clone)]
struct Manual {
    gate: Gate,
    journal: Journal,
}

#[ws_controller("/")]
impl Manual {
    #[on_message("manual")]
    fn manual(&self, ack: AckSender, number: u8) {
        assert!(ack.is_wanted());
        ack.send((number, "by hand")).unwrap();
    }

    #[on_message("manual later")]
    async fn manual_later(self: Arc<Self>, ack: AckSender) -> &'static str {
        self.gate.pass().await;
        ack.send(("by hand",)).unwrap();
        "this is not sent"
    }

    #[on_message("manual error")]
    fn manual_error(&self, ack: AckSender) {
        ack.send_error(EventError::new("conflict", "taken"));
    }

    #[on_message("dropped")]
    fn dropped(&self, ack: AckSender) -> u8 {
        drop(ack);
        1
    }

    #[on_message("dropped later")]
    async fn dropped_later(&self, ack: AckSender) {
        tokio::task::yield_now().await;
        drop(ack);
    }

    #[on_message("optional manual")]
    fn optional_manual(&self, ack: AckSender) {
        self.journal.note(format!("wanted: {}", ack.is_wanted()));
        ack.send(()).unwrap();
    }
}

#[actix_web::test]
async fn e02_dropped_ack_sender_is_answered_with_no_answer() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Manual::default())).await?;
        assert_eq!(error(&client, "dropped", ()).await?["code"], "no_answer");
        assert_eq!(error(&client, "dropped later", ()).await?["code"], "no_answer");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_wrong_argument_beside_an_ack_sender_is_the_answer() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Manual::default())).await?;
        let error = error(&client, "manual", ("x",)).await?;
        assert_eq!(error["code"], "bad_request");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_manual_ack_is_the_only_one() -> TestResult {
    for back in Back::BOTH {
        let manual = Manual::default();
        let (srv, client) = back.connect(Io::builder().mount(manual.clone())).await?;
        manual.gate.open();
        assert_eq!(ack(&client, "manual", (3,)).await?, json!([3, "by hand"]));
        assert_eq!(ack(&client, "manual later", ()).await?, json!(["by hand"]));
        assert_eq!(error(&client, "manual error", ()).await?["code"], "conflict");
        client.emit("optional manual", ()).await?;
        assert_eq!(ack(&client, "optional manual", ()).await?, json!([]));
        assert_eq!(manual.journal.lines(), ["wanted: false", "wanted: true"]);
        end(srv, client).await;
    }
    Ok(())
}
