//! The table of results: each return type with and without an ack request.

use std::sync::atomic::{AtomicUsize, Ordering};

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde::Serialize;
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

#[derive(Serialize)]
struct Item {
    name: &'static str,
}

type Aliased<T> = Result<T, EventError>;

enum OwnError {
    Full(u8),
}

impl IntoEventError for OwnError {
    fn into_event_error(self) -> EventError {
        let Self::Full(limit) = self;
        EventError::new("full", "no room").with_data(json!({ "limit": limit }))
    }
}

fn full() -> EventError {
    OwnError::Full(3).into_event_error()
}

static ENCODED: AtomicUsize = AtomicUsize::new(0);

/// Counts how often it is encoded.
struct Counted;

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ENCODED.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_str("counted")
    }
}

struct Results;

#[ws_controller("/")]
impl Results {
    #[on_message("unit")]
    #[emit("out")]
    async fn unit(&self) {}

    #[on_message("counted")]
    #[emit("first", always)]
    #[emit("second", always)]
    #[broadcast("third")]
    fn counted(&self) -> Counted {
        Counted
    }

    #[on_message("value")]
    #[emit("out")]
    fn value(&self) -> Item {
        Item { name: "a" }
    }

    #[on_message("async value")]
    #[emit("out")]
    async fn async_value(&self) -> Item {
        tokio::task::yield_now().await;
        Item { name: "a" }
    }

    #[on_message("tuple")]
    #[emit("out")]
    fn tuple(&self) -> (u8, Item, Option<u8>) {
        (1, Item { name: "a" }, None)
    }

    #[on_message("one tuple")]
    #[emit("out")]
    fn one(&self) -> (u8,) {
        (1,)
    }

    #[on_message("six")]
    #[emit("out")]
    fn six(&self) -> (u8, u8, u8, u8, u8, u8) {
        (1, 2, 3, 4, 5, 6)
    }

    #[on_message("some")]
    #[emit("out")]
    fn some(&self) -> Option<Item> {
        Some(Item { name: "a" })
    }

    #[on_message("some tuple")]
    #[emit("out")]
    fn some_tuple(&self) -> Option<(u8, u8)> {
        Some((1, 2))
    }

    #[on_message("none")]
    #[emit("out")]
    fn none(&self) -> Option<Item> {
        None
    }

    #[on_message("ok")]
    #[emit("out")]
    async fn ok(&self) -> Result<Item, OwnError> {
        Ok(Item { name: "a" })
    }

    #[on_message("ok unit")]
    #[emit("out")]
    fn ok_unit(&self) -> Aliased<()> {
        Ok(())
    }

    #[on_message("ok tuple")]
    #[emit("out")]
    fn ok_tuple(&self) -> Aliased<(u8, u8)> {
        Ok((1, 2))
    }

    #[on_message("ok none")]
    #[emit("out")]
    fn ok_none(&self) -> Aliased<Option<u8>> {
        Ok(None)
    }

    #[on_message("ok some")]
    #[emit("out")]
    fn ok_some(&self) -> Aliased<Option<(u8, u8)>> {
        Ok(Some((1, 2)))
    }

    #[on_message("err")]
    #[emit("out")]
    async fn err(&self) -> Result<Item, OwnError> {
        Err(OwnError::Full(3))
    }

    #[on_message("aliased err")]
    #[emit("out")]
    fn aliased_err(&self) -> Aliased<()> {
        Err(full())
    }

    #[on_message("reply")]
    #[emit("out")]
    fn reply(&self) -> Reply {
        Reply::from_value(&(1, 2))
    }

    #[on_message("array")]
    #[emit("out")]
    fn array(&self) -> Aliased<[u8; 2]> {
        Ok([1, 2])
    }

    #[on_message("unit struct")]
    #[emit("out")]
    fn boxed(&self) -> Box<Item> {
        Box::new(Item { name: "a" })
    }
}

/// Event, ack, and the event's arguments if there is one.
const TABLE: &[(&str, &str, Option<&str>)] = &[
    ("unit", "[]", None),
    ("value", r#"[{"name":"a"}]"#, Some(r#"[{"name":"a"}]"#)),
    ("async value", r#"[{"name":"a"}]"#, Some(r#"[{"name":"a"}]"#)),
    ("tuple", r#"[1,{"name":"a"},null]"#, Some(r#"[1,{"name":"a"},null]"#)),
    ("one tuple", "[1]", Some("[1]")),
    ("six", "[1,2,3,4,5,6]", Some("[1,2,3,4,5,6]")),
    ("some", r#"[{"name":"a"}]"#, Some(r#"[{"name":"a"}]"#)),
    ("some tuple", "[1,2]", Some("[1,2]")),
    ("none", "[null]", None),
    ("ok", r#"[{"name":"a"}]"#, Some(r#"[{"name":"a"}]"#)),
    ("ok unit", "[]", None),
    ("ok tuple", "[1,2]", Some("[1,2]")),
    ("ok none", "[null]", None),
    ("ok some", "[1,2]", Some("[1,2]")),
    ("reply", "[1,2]", Some("[1,2]")),
    ("array", "[[1,2]]", Some("[[1,2]]")),
    ("unit struct", r#"[{"name":"a"}]"#, Some(r#"[{"name":"a"}]"#)),
];

#[actix_web::test]
async fn errors_answer_the_ack_or_are_an_exception() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Results)).await?;
        let error = json!({ "code": "full", "message": "no room", "data": { "limit": 3 } });
        for event in ["err", "aliased err"] {
            assert_eq!(ack(&client, event, ()).await?, json!([{ "error": error }]), "`{event}`");
            client.emit(event, ()).await?;
            let mut exception = error.clone();
            exception["event"] = json!(event);
            assert_eq!(client.next::<serde_json::Value>("exception").await?, exception);
        }
        assert_eq!(events(&client, "out"), json!([]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn results_answer_the_ack_and_emit_nothing() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Results)).await?;
        for (event, acked, _) in TABLE {
            assert_eq!(ack(&client, event, ()).await?.to_string(), *acked, "`{event}`");
        }
        fence(&client).await?;
        assert_eq!(client.received(), []);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn results_are_emitted_without_an_ack() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Results)).await?;
        for (event, _, emitted) in TABLE {
            client.emit(event, ()).await?;
            match emitted {
                Some(emitted) => {
                    let args = client.next::<Rest<serde_json::Value>>("out").await?;
                    assert_eq!(json!(args.0).to_string(), *emitted, "`{event}`");
                }
                None => {
                    let before = events(&client, "out");
                    fence(&client).await?;
                    assert_eq!(events(&client, "out"), before, "`{event}`");
                }
            }
        }
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn value_is_encoded_once_for_ack_and_all_events() -> TestResult {
    let (srv, client) = Back::Memory.connect(Io::builder().mount(Results)).await?;
    assert_eq!(client.emit_with_ack::<String>("counted", ()).await?, "counted");
    for event in ["first", "second", "third"] {
        assert_eq!(client.next::<String>(event).await?, "counted");
    }
    assert_eq!(ENCODED.load(Ordering::SeqCst), 1);
    end(srv, client).await;
    Ok(())
}
