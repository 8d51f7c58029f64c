//! The table of results: streams of all kinds.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

struct Streams {
    base: u8,
}

fn full() -> EventError {
    EventError::new("full", "no room")
}

#[ws_controller("/")]
impl Streams {
    #[on_message("plain")]
    #[emit("item")]
    fn plain(&self, n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n)
    }

    #[on_message("borrows")]
    #[emit("item")]
    fn borrows(&self) -> impl Stream<Item = u8> {
        stream::iter([1, 2]).map(|n| self.base + n)
    }

    #[on_message("async")]
    #[emit("item")]
    async fn later(&self) -> impl Stream<Item = u8> {
        tokio::task::yield_now().await;
        stream::iter([1, 2])
    }

    #[on_message("result")]
    #[emit("item")]
    async fn result(&self, fails: bool) -> Result<impl Stream<Item = u8>, EventError> {
        if fails { Err(full()) } else { Ok(stream::iter([1, 2])) }
    }

    #[on_message("sync result")]
    #[emit("item")]
    fn sync_result(&self, fails: bool) -> Result<impl Stream<Item = u8> + use<>, EventError> {
        if fails { Err(full()) } else { Ok(stream::iter([1, 2])) }
    }

    #[on_message("error after two")]
    #[emit("item")]
    fn error_after_two(&self) -> impl Stream<Item = Result<u8, EventError>> {
        stream::iter([Ok(1), Ok(2), Err(full()), Ok(4)])
    }

    #[on_message("result of results")]
    #[emit("item")]
    async fn both(&self) -> Result<impl Stream<Item = Result<u8, EventError>>, EventError> {
        Ok(stream::iter([Ok(1), Err(full())]))
    }

    #[on_message("tuples")]
    #[emit("item")]
    fn tuples(&self) -> impl Stream<Item = (u8, &'static str)> {
        stream::iter([(1, "a"), (2, "b")])
    }

    #[on_message("boxed")]
    #[emit("item")]
    fn boxed(&self) -> stream::BoxStream<'static, u8> {
        stream::iter([1, 2]).boxed()
    }

    #[on_message("join")]
    fn join(&self, socket: Socket) {
        socket.join("a");
    }

    #[on_message("cast")]
    #[broadcast("to all")]
    #[emit("to room", room = "a")]
    fn cast(&self) -> impl Stream<Item = u8> {
        stream::iter([1, 2])
    }

    #[on_message("waits")]
    #[emit("item")]
    fn waits(&self) -> impl Stream<Item = u8> {
        stream::iter([1, 2, 3]).then(async |n| {
            tokio::task::yield_now().await;
            n
        })
    }
}

/// Request, items, and the error at the end if there is one.
fn table() -> Vec<(&'static str, serde_json::Value, serde_json::Value, bool)> {
    vec![
        ("plain", json!(0), json!([]), false),
        ("plain", json!(3), json!([[0], [1], [2]]), false),
        ("borrows", json!(null), json!([[11], [12]]), false),
        ("async", json!(null), json!([[1], [2]]), false),
        ("result", json!(false), json!([[1], [2]]), false),
        ("result", json!(true), json!([]), true),
        ("sync result", json!(false), json!([[1], [2]]), false),
        ("sync result", json!(true), json!([]), true),
        ("error after two", json!(null), json!([[1], [2]]), true),
        ("result of results", json!(null), json!([[1]]), true),
        ("tuples", json!(null), json!([[1, "a"], [2, "b"]]), false),
        ("boxed", json!(null), json!([[1], [2]]), false),
        ("waits", json!(null), json!([[1], [2], [3]]), false),
    ]
}

fn io() -> sio_actix::IoBuilder {
    Io::builder().mount(Streams { base: 10 })
}

#[actix_web::test]
async fn items_are_events_and_then_the_ack_is_empty_or_the_error() -> TestResult {
    for back in Back::BOTH {
        for (event, arg, items, fails) in table() {
            let (srv, client) = back.connect(io()).await?;
            let error = json!([{ "error": { "code": "full", "message": "no room" } }]);
            let expected = if fails { error } else { json!([]) };
            assert_eq!(ack(&client, event, (&arg,)).await?, expected, "{event}({arg})");
            // All items came before the ack.
            assert_eq!(events(&client, "item"), items, "{event}({arg})");
            end(srv, client).await;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn without_ack_the_items_are_followed_by_nothing_or_an_exception() -> TestResult {
    for back in Back::BOTH {
        for (event, arg, items, fails) in table() {
            let (srv, client) = back.connect(io()).await?;
            client.emit(event, (&arg,)).await?;
            if fails {
                let exception = client.next::<serde_json::Value>("exception").await?;
                let expected = json!({ "code": "full", "message": "no room", "event": event });
                assert_eq!(exception, expected);
            } else {
                for _ in items.as_array().unwrap() {
                    client.next::<serde_json::Value>("item").await?;
                }
            }
            fence(&client).await?;
            assert_eq!(events(&client, "item"), items, "{event}({arg})");
            assert_eq!(
                client.received().len(),
                items.as_array().unwrap().len() + usize::from(fails)
            );
            end(srv, client).await;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn items_go_to_rooms_and_everybody_as_values_do() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(io()).await?;
        let (member, other) =
            (TestClient::connect(&srv, "/").await?, TestClient::connect(&srv, "/").await?);
        ack(&sender, "join", ()).await?;
        ack(&member, "join", ()).await?;
        assert_eq!(ack(&sender, "cast", ()).await?, json!([]));
        for client in [&sender, &member, &other] {
            fence(client).await?;
            assert_eq!(events(client, "to all"), json!([[1], [2]]));
        }
        assert_eq!(events(&sender, "to room"), json!([]));
        assert_eq!(events(&member, "to room"), json!([[1], [2]]));
        assert_eq!(events(&other, "to room"), json!([]));
        end(srv, (sender, member, other)).await;
    }
    Ok(())
}
