//! Point 16: error hooks from the inside to the outside, and what clients never see.

use controllers_tests::{Back, Journal, TestResult, ack, end, error, note, refused};
use serde::Deserialize;
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder};
use sio_client::test::TestClient;

fn mark(error: &mut EventError, cx: &EventCx<'_>, who: &str) {
    note(cx, format!("{who}: {} of {:?} in {}", error.code(), cx.event(), cx.phase()));
    error.set_message(format!("{} {who}", error.message()));
}

fn of_method(error: &mut EventError, cx: &EventCx<'_>) {
    mark(error, cx, "method");
}

fn of_controller(error: &mut EventError, cx: &EventCx<'_>) {
    mark(error, cx, "controller");
}

fn global(error: &mut EventError, cx: &EventCx<'_>) {
    mark(error, cx, "global");
    if error.code() == "secret" {
        error.set_code("internal");
        error.set_message("hidden");
        error.set_data(None);
    }
}

fn never(_: &EventCx<'_>) -> bool {
    false
}

struct Hooked;

#[ws_controller("/hooked", on_error(of_controller))]
impl Hooked {
    #[connect_guard]
    fn admitted(&self, socket: Socket) -> bool {
        socket.handshake().query_value("refused").is_none()
    }

    #[on_message("fails")]
    #[on_error(of_method)]
    async fn fails(&self) -> Result<u8, EventError> {
        Err(EventError::new("full", "said"))
    }

    #[on_message("square")]
    #[on_error(of_method)]
    fn square(&self, number: i32) -> i32 {
        number * number
    }

    #[on_message("denied")]
    #[guard(never)]
    fn denied(&self) {}

    #[on_message("panics")]
    fn panics(&self) -> u8 {
        panic!("password of the database")
    }

    #[on_message("by hand")]
    fn by_hand(&self, ack: AckSender) {
        ack.send_error(EventError::new("conflict", "said"));
    }

    #[on_message("let go")]
    async fn let_go(&self, ack: AckSender) {
        tokio::task::yield_now().await;
        drop(ack);
        tokio::task::yield_now().await;
    }

    #[on_message("secret")]
    fn secret(&self) -> Result<u8, EventError> {
        Err(EventError::new("secret", "password").with_data(json!({ "of": "the database" })))
    }

    #[on_message("bad hook")]
    #[on_error(|_: &mut EventError, _: &EventCx<'_>| panic!("a hook that fails"))]
    #[on_error(of_method)]
    fn bad_hook(&self) -> Result<u8, EventError> {
        Err(EventError::new("full", "said"))
    }
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read")]
enum Kind {
    Small,
    Large,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only read")]
struct Order {
    number: u8,
    kind: Kind,
}

struct Plain;

#[ws_controller("/plain")]
impl Plain {
    #[on_message("order")]
    fn order(&self, _: Order) {}

    #[on_message("number")]
    fn number(&self, number: u8) -> u8 {
        number
    }

    #[on_message("text")]
    fn text(&self, text: String) -> Result<String, EventError> {
        Err(std::io::Error::other(format!("database of {text}")))?;
        Ok(text)
    }
}

fn io(journal: &Journal) -> IoBuilder {
    Io::builder().data(journal.data()).mount(Hooked).mount(Plain).on_error(global)
}

#[actix_web::test]
async fn e16_method_then_controller_then_global() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = TestClient::connect(&srv, "/hooked").await?;
        let error = error(&client, "fails", ()).await?;
        assert_eq!(error["message"], "said method controller global");
        let lines = ["method", "controller", "global"]
            .map(|who| format!("{who}: full of \"fails\" in event"));
        assert_eq!(journal.lines(), lines);

        client.emit("fails", ()).await?;
        let exception: serde_json::Value = client.next("exception").await?;
        assert_eq!(exception["message"], "said method controller global");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_acks_by_hand_pass_the_hooks() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = TestClient::connect(&srv, "/hooked").await?;
        let answer = error(&client, "by hand", ()).await?;
        assert_eq!(answer["message"], "said controller global");
        let answer = error(&client, "let go", ()).await?;
        assert_eq!(answer["code"], "no_answer");
        assert_eq!(answer["message"], "the handler gave no answer controller global");
        let of = |event: &str, code: &str| {
            ["controller", "global"].map(|who| format!("{who}: {code} of {event:?} in event"))
        };
        let lines = [of("by hand", "conflict"), of("let go", "no_answer")].concat();
        assert_eq!(journal.lines(), lines, "each is shown once");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_errors_of_arguments_guards_and_panics_pass_the_hooks() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = TestClient::connect(&srv, "/hooked").await?;
        for (event, code, message) in [
            ("square", "bad_request", "argument 0 is missing method controller global"),
            ("denied", "forbidden", "not allowed controller global"),
            ("panics", "internal", "internal error controller global"),
            ("bad hook", "full", "said method controller global"),
        ] {
            let error = error(&client, event, ()).await?;
            assert_eq!(error, json!({ "code": code, "message": message }), "{event}");
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_refusals_of_connect_pass_the_hooks_of_controller_and_server() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = srv.client().namespace("/hooked").query("refused", "1").connect().await;
        assert_eq!(refused(client).0, "not allowed controller global");
        let lines =
            ["controller", "global"].map(|who| format!("{who}: forbidden of \"\" in connect"));
        assert_eq!(journal.lines(), lines);
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_hook_may_hide_an_error() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(io(&Journal::default())).await;
        let client = TestClient::connect(&srv, "/hooked").await?;
        let error = error(&client, "secret", ()).await?;
        assert_eq!(error, json!({ "code": "internal", "message": "hidden" }));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_payload_of_the_client_is_never_echoed() -> TestResult {
    for back in Back::BOTH {
        let builder = Io::builder().mount(Plain);
        let srv = back.start(builder).await;
        let client = TestClient::connect(&srv, "/plain").await?;
        let marker = "ECHO";
        let long = marker.repeat(1000);
        for (event, arg) in [
            ("number", json!(marker)),
            ("number", json!(long)),
            ("number", json!(format!("{marker}\", expected {marker}"))),
            ("number", json!(75_757)),
            ("number", json!(-75_757)),
            ("number", json!(75_757.5)),
            ("number", json!({ marker: marker })),
            ("number", json!([marker])),
            ("order", json!({ marker: 1 })),
            ("order", json!({ "number": 1, "kind": marker })),
            ("order", json!({ "number": 1, "kind": { marker: 1 } })),
            ("order", json!({ "number": marker, "kind": "Small" })),
            ("order", json!(marker)),
        ] {
            let answer = ack(&client, event, (&arg,)).await?.to_string();
            assert!(answer.contains("argument 0 is invalid"), "{answer}");
            assert!(!answer.contains(marker), "{event}({arg}): {answer}");
            assert!(!answer.contains("75757"), "{event}({arg}): {answer}");
            assert!(answer.len() < 300, "{answer}");
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e16_internal_detail_stays_on_the_server() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(Io::builder().mount(Plain)).await;
        let client = TestClient::connect(&srv, "/plain").await?;
        let internal = json!({ "code": "internal", "message": "internal error" });
        assert_eq!(error(&client, "text", ("x",)).await?, internal);
        end(srv, client).await;
    }
    Ok(())
}
