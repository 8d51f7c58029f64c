//! Events: names, options, parameters, results.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_core::Stream;
use futures_util::stream;
use sio_actix::prelude::*;

use sio_client::test::TestClient;

use super::{Outcome, code, joined};

const CONSTANT: &str = "constant";

/// Both a context type and an argument.
#[derive(Debug, serde::Deserialize)]
struct Both(u32);

impl FromContext for Both {
    fn from_context(_: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self(1))
    }
}

#[derive(Default)]
struct Events {
    seen: AtomicU32,
}

#[ws_controller("/", guard(tagged), on_error(outer))]
impl Events {
    #[on_message(any)]
    fn any(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    #[on_message("seen")]
    fn seen(self: Arc<Self>) -> u32 {
        self.seen.load(Ordering::Relaxed)
    }

    #[on_message("a", CONSTANT)]
    #[on_message("strict", strict)]
    fn named(event: EventName, value: Option<u8>) -> (String, Option<u8>) {
        (event.0, value)
    }

    #[on_message(fallback)]
    async fn fallback(&self, event: EventName) -> String {
        event.0
    }

    #[on_message("both")]
    fn both(&self, found: Both, #[arg] given: Both, #[ctx] taken: Both) -> (u32, u32, u32) {
        (found.0, given.0, taken.0)
    }

    #[on_message("fails")]
    #[on_error(inner)]
    async fn fails(&self) -> Result<u8, EventError> {
        Err(EventError::new("own", "as told"))
    }

    #[on_message("guarded")]
    #[guard(never)]
    fn guarded(&self, _number: u8) {}

    #[on_message("wrapped")]
    #[middleware(replaced)]
    fn wrapped(&self) -> u8 {
        1
    }

    #[on_message("items")]
    #[emit("item")]
    fn items(&self, count: u32) -> impl Stream<Item = u32> {
        stream::iter(0..count)
    }

    #[on_message("result")]
    #[emit("to sender")]
    #[emit("always", always)]
    #[emit("to room", room = "room", room = "other")]
    #[broadcast("to all")]
    #[broadcast("to others", except_self)]
    fn result(&self) -> u8 {
        7
    }

    #[on_message("join")]
    fn join(&self, socket: Socket) {
        socket.join("room");
    }
}

fn tagged(cx: &EventCx<'_>) -> bool {
    cx.event() != "tagged"
}

fn never(_: &EventCx<'_>) -> bool {
    false
}

async fn replaced(_: &EventCx<'_>, next: Next) -> Reply {
    drop(next.run().await);
    Reply::Unit
}

fn inner(error: &mut EventError, _: &EventCx<'_>) {
    error.set_code(format!("{} inner", error.code()));
}

fn outer(error: &mut EventError, _: &EventCx<'_>) {
    error.set_code(format!("{} outer", error.code()));
}

fn io() -> Io {
    Io::builder().mount(Events::default()).build()
}

#[actix_web::test]
async fn every_name_reaches_the_method() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    for event in ["a", CONSTANT, "strict"] {
        let answer: String = client.emit_with_ack(event, (1,)).await?;
        assert_eq!(answer, event);
    }
    assert_eq!(client.emit_with_ack::<String>("unknown", ()).await?, "unknown");
    // All of them and this one were seen by `any`.
    assert_eq!(client.emit_with_ack::<u32>("seen", ()).await?, 5);
    Ok(())
}

#[actix_web::test]
async fn strict_refuses_more_arguments() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    assert_eq!(client.emit_with_ack::<String>("a", (1, 2)).await?, "a");
    assert_eq!(code(client.emit_with_ack::<String>("strict", (1, 2)).await), "bad_request outer");
    Ok(())
}

#[actix_web::test]
async fn kinds_of_parameters_are_found_or_forced() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    let Rest(found): Rest<u32> = client.emit_with_ack("both", (5,)).await?;
    assert_eq!(found, [1, 5, 1]);
    Ok(())
}

#[actix_web::test]
async fn errors_pass_the_hooks_inside_out() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    assert_eq!(code(client.emit_with_ack::<u8>("fails", ()).await), "own inner outer");
    Ok(())
}

#[actix_web::test]
async fn guards_come_before_arguments() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    let refused = client.emit_with_ack::<()>("guarded", ("no number",)).await;
    assert_eq!(code(refused), "forbidden outer");
    let refused = client.emit_with_ack::<String>("tagged", ()).await;
    assert_eq!(code(refused), "forbidden outer");
    Ok(())
}

#[actix_web::test]
async fn middleware_replaces_the_reply() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    client.emit_with_ack::<()>("wrapped", ()).await
}

#[actix_web::test]
async fn items_of_a_stream_are_events() -> Outcome {
    let (_srv, client) = joined(io(), "/").await?;
    client.emit_with_ack::<()>("items", (3,)).await?;
    for item in 0..3 {
        assert_eq!(client.next::<u32>("item").await?, item);
    }
    Ok(())
}

#[actix_web::test]
async fn results_go_where_they_are_sent() -> Outcome {
    let (srv, sender) = joined(io(), "/").await?;
    let other = TestClient::connect(&srv, "/").await?;
    other.emit_with_ack::<()>("join", ()).await?;
    sender.emit_with_ack::<()>("join", ()).await?;

    // With an ack, only what is sent in any case;
    assert_eq!(sender.emit_with_ack::<u8>("result", ()).await?, 7);
    for event in ["to all", "to others"] {
        assert_eq!(other.next::<u8>(event).await?, 7, "{event}");
    }
    for event in ["always", "to all"] {
        assert_eq!(sender.next::<u8>(event).await?, 7, "{event}");
    }

    // without one, everything.
    sender.emit("result", ()).await?;
    assert_eq!(other.next::<u8>("to room").await?, 7);
    assert_eq!(sender.next::<u8>("to sender").await?, 7);
    // The second call's events are there by then, so these counts are final.
    sender.emit_with_ack::<()>("join", ()).await?;
    other.emit_with_ack::<()>("join", ()).await?;
    let names = ["to sender", "always", "to room", "to all", "to others"];
    assert_eq!(names.map(|name| count(&sender, name)), [1, 2, 0, 2, 0]);
    assert_eq!(names.map(|name| count(&other, name)), [0, 0, 1, 2, 2]);
    Ok(())
}

fn count(client: &TestClient, name: &str) -> usize {
    client.received().iter().filter(|event| event.event == name).count()
}
