//! Point 2: an ack request is answered once, whatever happens.

use std::sync::Arc;
use std::time::Duration;

use controllers_tests::{
    Back, Gate, Journal, TestResult, ack, end, error, error_body, events, fence,
};
use serde::Serialize;
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder, timeout};
use sio_client::TransportMode;
use sio_client::test::TestClient;

#[derive(Serialize)]
struct Sum {
    total: i64,
}

#[derive(Default, Clone)]
struct Acks {
    gate: Gate,
    journal: Journal,
}

/// Refuses to be sent.
struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("a secret of the server"))
    }
}

fn never(_: &EventCx<'_>) -> bool {
    false
}

async fn later_never(_: &EventCx<'_>) -> Result<(), EventError> {
    tokio::task::yield_now().await;
    Err(EventError::new("too_many", "slow down").with_data(json!({ "after": 3 })))
}

#[ws_controller("/")]
impl Acks {
    #[on_message("value")]
    fn value(&self, total: i64) -> Sum {
        Sum { total }
    }

    #[on_message("unit")]
    async fn unit(&self) {}

    #[on_message("none")]
    fn none(&self) -> Option<Sum> {
        None
    }

    #[on_message("some")]
    fn some(&self) -> Option<Sum> {
        Some(Sum { total: 1 })
    }

    #[on_message("tuple")]
    fn tuple(&self) -> (i64, &'static str, Option<u8>) {
        (1, "two", None)
    }

    #[on_message("falsy")]
    fn falsy(&self, which: u8) -> Value {
        match which {
            0 => Value::from(0),
            1 => Value::from(false),
            2 => Value::from(""),
            3 => Value::Array(Vec::new()),
            _ => Value::Null,
        }
    }

    #[on_message("error")]
    async fn error(&self) -> Result<Sum, EventError> {
        Err(EventError::new("full", "no room").with_data(json!({ "limit": 3 })))
    }

    #[on_message("io error")]
    async fn io_error(&self) -> Result<Sum, EventError> {
        Err(std::io::Error::other("password of the database"))?;
        Ok(Sum { total: 0 })
    }

    #[on_message("unsendable")]
    fn unsendable(&self) -> Unsendable {
        Unsendable
    }

    #[on_message("denied")]
    #[guard(never)]
    fn denied(&self, _number: u8) {}

    #[on_message("denied later")]
    #[guard(later_never)]
    fn denied_later(&self, _number: u8) {}

    #[on_message("panics")]
    fn panics(&self) -> u8 {
        panic!("password of the database")
    }

    #[on_message("panics later")]
    async fn panics_later(&self) -> u8 {
        tokio::task::yield_now().await;
        panic!("password of the database")
    }

    #[on_message("slow")]
    #[middleware(timeout(Duration::from_millis(5)))]
    async fn slow(&self) -> u8 {
        self.gate.pass().await;
        1
    }

    #[on_message("waits")]
    async fn waits(&self) -> u8 {
        self.journal.note("waits");
        self.gate.pass().await;
        self.journal.note("went on");
        1
    }

    #[on_message("latest", latest)]
    async fn latest(&self, number: u8) -> u8 {
        self.journal.note(format!("latest {number}"));
        self.gate.pass().await;
        number
    }

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

fn builder() -> IoBuilder {
    Io::builder().mount(Acks::default())
}

fn internal() -> serde_json::Value {
    json!({ "code": "internal", "message": "internal error" })
}

#[actix_web::test]
async fn e02_error_is_an_object_with_code_message_and_data() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        let expected = json!([{
            "error": { "code": "full", "message": "no room", "data": { "limit": 3 } },
        }]);
        assert_eq!(ack(&client, "error", ()).await?, expected);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_foreign_errors_and_values_that_fail_to_encode_are_internal() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        assert_eq!(error(&client, "io error", ()).await?, internal());
        assert_eq!(error(&client, "unsendable", ()).await?, internal());
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_denial_is_answered_before_arguments_are_read() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        // The arguments are wrong as well; strangers do not learn that.
        let denied = error(&client, "denied", ("x",)).await?;
        assert_eq!(denied, json!({ "code": "forbidden", "message": "not allowed" }));
        let later = error(&client, "denied later", ("x",)).await?;
        let expected =
            json!({ "code": "too_many", "message": "slow down", "data": { "after": 3 } });
        assert_eq!(later, expected);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_bad_payload_is_answered() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        let error = error(&client, "value", ("x",)).await?;
        assert_eq!(error["code"], "bad_request");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_panic_is_internal_and_the_connection_goes_on() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        assert_eq!(error(&client, "panics", ()).await?, internal());
        assert_eq!(error(&client, "panics later", ()).await?, internal());
        client.emit("panics later", ()).await?;
        let exception: serde_json::Value = client.next("exception").await?;
        assert_eq!(exception["event"], "panics later");
        assert_eq!(ack(&client, "value", (1,)).await?, json!([{ "total": 1 }]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_timeout_is_answered() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        assert_eq!(error(&client, "slow", ()).await?["code"], "timeout");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_shutdown_answers_what_still_waits_as_unavailable() -> TestResult {
    for (back, transport) in Back::ALL
        .into_iter()
        .flat_map(|back| [(back, TransportMode::Polling), (back, TransportMode::Websocket)])
    {
        let acks = Acks::default();
        let srv = back.start(Io::builder().mount(acks.clone())).await;
        let client = srv.client().transport(transport).connect().await?;
        let asked = error(&client, "waits", ());
        let close = async {
            acks.journal.wait("waits").await;
            srv.io().close();
        };
        let (answer, ()) = tokio::join!(asked, close);
        assert_eq!(answer?["code"], "unavailable", "by {transport:?}");
        acks.gate.open();
        end(srv, client).await;
        assert_eq!(acks.journal.count("went on"), 1, "handlers run to their end");
    }
    Ok(())
}

#[actix_web::test]
async fn e02_socket_gone_before_the_answer_loses_only_the_answer() -> TestResult {
    for back in Back::BOTH {
        let acks = Acks::default();
        let srv = back.start(Io::builder().mount(acks.clone())).await;
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        client.raw(r#"4299["waits"]"#);
        acks.journal.wait("waits").await;
        client.cut();
        acks.gate.open();
        acks.journal.wait("went on").await;
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_superseded_latest_is_answered_as_cancelled() -> TestResult {
    for back in Back::BOTH {
        let acks = Acks::default();
        let (srv, client) = back.connect(Io::builder().mount(acks.clone())).await?;
        let first = ack(&client, "latest", (1,));
        let second = async {
            acks.journal.wait("latest 1").await;
            let second = ack(&client, "latest", (2,));
            let open = async {
                acks.journal.wait("latest 2").await;
                acks.gate.open();
            };
            tokio::join!(second, open).0
        };
        let (first, second) = tokio::join!(first, second);
        let first = error_body(&first?).expect("the first is answered with an error");
        assert_eq!(first["code"], "cancelled");
        assert_eq!(second?, json!([2]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_dropped_ack_sender_is_answered_with_no_answer() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        assert_eq!(error(&client, "dropped", ()).await?["code"], "no_answer");
        assert_eq!(error(&client, "dropped later", ()).await?["code"], "no_answer");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_manual_ack_is_the_only_one() -> TestResult {
    for back in Back::BOTH {
        let acks = Acks::default();
        let (srv, client) = back.connect(Io::builder().mount(acks.clone())).await?;
        acks.gate.open();
        assert_eq!(ack(&client, "manual", (3,)).await?, json!([3, "by hand"]));
        assert_eq!(ack(&client, "manual later", ()).await?, json!(["by hand"]));
        assert_eq!(error(&client, "manual error", ()).await?["code"], "conflict");
        client.emit("optional manual", ()).await?;
        assert_eq!(ack(&client, "optional manual", ()).await?, json!([]));
        assert_eq!(acks.journal.lines(), ["wanted: false", "wanted: true"]);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_wrong_argument_beside_an_ack_sender_is_the_answer() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        let error = error(&client, "manual", ("x",)).await?;
        assert_eq!(error["code"], "bad_request");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_value_unit_none_tuple_and_falsy() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        assert_eq!(ack(&client, "value", (5,)).await?, json!([{ "total": 5 }]));
        assert_eq!(ack(&client, "unit", ()).await?, json!([]));
        assert_eq!(ack(&client, "none", ()).await?, json!([null]));
        assert_eq!(ack(&client, "some", ()).await?, json!([{ "total": 1 }]));
        assert_eq!(ack(&client, "tuple", ()).await?, json!([1, "two", null]));
        for (which, value) in
            [json!(0), json!(false), json!(""), json!([]), json!(null)].iter().enumerate()
        {
            assert_eq!(ack(&client, "falsy", (which,)).await?, json!([value]));
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_nobody_asked_and_nothing_is_sent() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(builder()).await?;
        for event in ["unit", "none", "some", "tuple"] {
            client.emit(event, ()).await?;
        }
        fence(&client).await?;
        assert_eq!(client.received(), []);
        client.emit("error", ()).await?;
        fence(&client).await?;
        let exception = json!({ "code": "full", "message": "no room", "data": { "limit": 3 }, "event": "error" });
        assert_eq!(events(&client, "exception"), json!([[exception]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e02_answers_find_their_questions_whatever_ends_first() -> TestResult {
    for back in Back::ALL {
        let acks = Acks::default();
        let srv = back.start(Io::builder().mount(acks.clone())).await;
        let (one, two) =
            (TestClient::connect(&srv, "/").await?, TestClient::connect(&srv, "/").await?);
        let (a, b) = (ack(&one, "waits", ()), ack(&two, "waits", ()));
        let quick = async {
            acks.journal.wait_len(2).await;
            let quick = (ack(&one, "value", (1,)).await, ack(&two, "value", (2,)).await);
            acks.gate.open();
            quick
        };
        let (a, b, (c, d)) = tokio::join!(a, b, quick);
        assert_eq!((a?, b?), (json!([1]), json!([1])));
        assert_eq!((c?, d?), (json!([{ "total": 1 }]), json!([{ "total": 2 }])));
        end(srv, (one, two)).await;
    }
    Ok(())
}
