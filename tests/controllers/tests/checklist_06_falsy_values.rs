//! Point 6: falsy values are sent, and a list is one argument.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

struct Falsy;

#[ws_controller("/")]
impl Falsy {
    #[on_message("zero")]
    #[emit("out")]
    fn zero(&self) -> i64 {
        0
    }

    #[on_message("false")]
    #[emit("out")]
    async fn no(&self) -> bool {
        false
    }

    #[on_message("text")]
    #[emit("out")]
    fn text(&self) -> String {
        String::new()
    }

    #[on_message("empty")]
    #[emit("out")]
    fn empty(&self) -> Vec<u8> {
        Vec::new()
    }

    #[on_message("list")]
    #[emit("out")]
    fn list(&self) -> Vec<&'static str> {
        vec!["a", "b"]
    }

    #[on_message("array")]
    #[emit("out")]
    fn array(&self) -> [u8; 2] {
        [1, 2]
    }

    #[on_message("pair")]
    #[emit("out")]
    fn pair(&self) -> (u8, Vec<u8>) {
        (0, vec![])
    }

    #[on_message("null")]
    #[emit("out")]
    fn null(&self) -> Value {
        Value::Null
    }

    #[on_message("none")]
    #[emit("out")]
    fn none(&self) -> Option<u8> {
        None
    }

    #[on_message("some zero")]
    #[emit("out")]
    fn some(&self) -> Option<u8> {
        Some(0)
    }

    #[on_message("unit")]
    #[emit("out")]
    fn unit(&self) {}
}

const CASES: &[(&str, &str)] = &[
    ("zero", "[0]"),
    ("false", "[false]"),
    ("text", r#"[""]"#),
    ("empty", "[[]]"),
    ("list", r#"[["a","b"]]"#),
    ("array", "[[1,2]]"),
    ("pair", "[0,[]]"),
    ("null", "[null]"),
    ("some zero", "[0]"),
];

#[actix_web::test]
async fn e06_falsy_values_and_lists_are_emitted_as_they_are() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Falsy)).await?;
        for (event, expected) in CASES {
            client.emit(event, ()).await?;
            fence(&client).await?;
            let got = events(&client, "out");
            let last = got.as_array().unwrap().last().map(ToString::to_string);
            assert_eq!(last.as_deref(), Some(*expected), "`{event}`");
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e06_the_ack_has_the_same_form() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Falsy)).await?;
        for (event, expected) in CASES {
            assert_eq!(ack(&client, event, ()).await?.to_string(), *expected, "`{event}`");
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e06_only_unit_and_none_emit_nothing() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Falsy)).await?;
        client.emit("unit", ()).await?;
        client.emit("none", ()).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "out"), json!([]));
        end(srv, client).await;
    }
    Ok(())
}
