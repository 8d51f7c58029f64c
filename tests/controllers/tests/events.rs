//! Which method an event reaches: several names, constants, `any`, `fallback`, receivers, generics.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;

use controllers_tests::{Back, Journal, TestResult, ack, end, error, events, fence};
use serde::de::DeserializeOwned;
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

const PING: &str = "ping";

mod names {
    pub(super) const PONG: &str = "pong";
}

struct Events(Journal);

#[ws_controller("/")]
impl Events {
    #[on_message(any)]
    fn sees_all(&self, EventName(event): EventName, raw: RawArgs) {
        self.0.note(format!("any {event}({})", raw.text));
    }

    #[on_message(PING, "other name")]
    #[on_message("strict name", strict)]
    #[emit(names::PONG)]
    fn ping(&self, EventName(event): EventName, number: u8) -> (String, u8) {
        self.0.note(format!("own {event}"));
        (event, number)
    }

    #[on_message("arc")]
    async fn arc(self: Arc<Self>) -> u8 {
        let this = Arc::clone(&self);
        tokio::task::yield_now().await;
        this.0.note("arc");
        1
    }

    #[on_message("nobody")]
    fn without_receiver(number: u8) -> u8 {
        number + 1
    }

    #[on_message(fallback)]
    #[emit("unknown")]
    fn unknown(
        &self,
        EventName(event): EventName,
        Rest(args): Rest<serde_json::Value>,
    ) -> (String, usize) {
        self.0.note(format!("fallback {event}"));
        (event, args.len())
    }
}

/// An `any` that fails: it answers nobody.
struct Failing;

#[ws_controller("/failing")]
impl Failing {
    #[on_message(any)]
    async fn fails(&self) -> Result<(), EventError> {
        tokio::task::yield_now().await;
        Err(EventError::new("any", "fails"))
    }

    #[on_message("echo")]
    fn echo(&self, text: String) -> String {
        text
    }
}

#[ws_controller("/generic")]
struct Generic<T, const N: usize>(PhantomData<T>);

#[ws_handlers]
impl<T, const N: usize> Generic<T, N>
where
    T: Display + DeserializeOwned + Send + Sync + 'static,
{
    #[on_message("show")]
    async fn show(&self, value: T) -> (String, usize) {
        (value.to_string(), N)
    }
}

#[actix_web::test]
async fn any_comes_first_and_answers_nobody() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let (srv, client) = back.connect(Io::builder().mount(Events(journal.clone()))).await?;
        assert_eq!(ack(&client, "ping", (1,)).await?, json!(["ping", 1]));
        assert_eq!(ack(&client, "what", (1, 2)).await?, json!(["what", 2]));
        let lines = ["any ping(1)", "own ping", "any what(1,2)", "fallback what"];
        assert_eq!(journal.lines(), lines);
        end(srv, client).await;

        let srv = back.start(Io::builder().mount(Failing)).await;
        let client = TestClient::connect(&srv, "/failing").await?;
        assert_eq!(ack(&client, "echo", ("a",)).await?, json!(["a"]));
        client.emit("echo", ("b",)).await?;
        assert_eq!(ack(&client, "echo", ("c",)).await?, json!(["c"]));
        assert_eq!(client.received(), [], "its error is for the log");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn fallback_takes_what_nobody_handles() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Events(Journal::default()))).await?;
        client.emit("what", (1,)).await?;
        client.emit("", ()).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "unknown"), json!([["what", 1], ["", 0]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn one_method_has_several_events_each_with_its_options() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Events(Journal::default()))).await?;
        let refused = error(&client, "strict name", (1, 2)).await?;
        assert_eq!(refused["message"], "argument 1 is not expected");
        for event in ["ping", "other name", "strict name"] {
            assert_eq!(ack(&client, event, (1,)).await?, json!([event, 1]));
        }
        assert_eq!(ack(&client, "ping", (1, 2)).await?, json!(["ping", 1]));
        client.emit("other name", (2,)).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "pong"), json!([["other name", 2]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn every_receiver_is_called() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Events(Journal::default()))).await?;
        assert_eq!(ack(&client, "arc", ()).await?, json!([1]));
        assert_eq!(ack(&client, "nobody", (1,)).await?, json!([2]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn generic_controllers_are_told_apart() -> TestResult {
    for back in Back::BOTH {
        let builder = Io::builder().mount(Generic::<u8, 2>(PhantomData));
        let srv = back.start(builder.mount_at("/texts", Generic::<String, 3>(PhantomData))).await;
        let (numbers, texts) = (
            TestClient::connect(&srv, "/generic").await?,
            TestClient::connect(&srv, "/texts").await?,
        );
        assert_eq!(ack(&numbers, "show", (7,)).await?, json!(["7", 2]));
        assert_eq!(ack(&texts, "show", ("seven",)).await?, json!(["seven", 3]));
        assert_eq!(error(&numbers, "show", ("seven",)).await?["code"], "bad_request");
        end(srv, (numbers, texts)).await;
    }
    Ok(())
}
