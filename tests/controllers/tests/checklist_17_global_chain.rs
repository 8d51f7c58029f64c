//! Point 17: global guard, middleware and error hook apply to connect, events and disconnect alike.

use controllers_tests::{Back, Journal, TestResult, ack, end, error, note, refused};
use serde_json::json;
use sio_actix::prelude::*;
use sio_actix::{Io, IoBuilder, Phase};
use sio_client::test::TestClient;

/// Writes who is asked, and refuses whom the query or the event names.
fn ask(cx: &EventCx<'_>, who: &str) -> Result<(), EventError> {
    note(cx, format!("{who} guard {}", cx.phase()));
    let refused_by = match cx.phase() {
        Phase::Connect => {
            cx.socket().handshake().query_value("refuse").unwrap_or_default().into_owned()
        }
        _ => cx.event().to_owned(),
    };
    if refused_by == who { Err(EventError::new("no", who.to_owned())) } else { Ok(()) }
}

async fn wrap(cx: &EventCx<'_>, next: Next, who: &str) -> Reply {
    let phase = cx.phase();
    note(cx, format!("{who} begins {phase}"));
    let reply = next.run().await;
    note(cx, format!("{who} ends {phase}"));
    reply
}

fn global_guard(cx: &EventCx<'_>) -> Result<(), EventError> {
    ask(cx, "global")
}

async fn controller_guard(cx: &EventCx<'_>) -> Result<(), EventError> {
    tokio::task::yield_now().await;
    ask(cx, "controller")
}

fn method_guard(cx: &EventCx<'_>) -> Result<(), EventError> {
    ask(cx, "method")
}

async fn global_wrap(cx: &EventCx<'_>, next: Next) -> Reply {
    wrap(cx, next, "global").await
}

async fn controller_wrap(cx: &EventCx<'_>, next: Next) -> Reply {
    wrap(cx, next, "controller").await
}

async fn method_wrap(cx: &EventCx<'_>, next: Next) -> Reply {
    wrap(cx, next, "method").await
}

/// Answers in place of the handler.
async fn replaces(_: &EventCx<'_>, next: Next) -> Reply {
    let Reply::Args(args) = next.run().await else { panic!("the handler returned a value") };
    assert_eq!(args.json(), b",1");
    Reply::from_value(&(2, "replaced"))
}

async fn skips(_: &EventCx<'_>, _: Next) -> Reply {
    Reply::from_value(&"skipped")
}

fn global_hook(error: &mut EventError, cx: &EventCx<'_>) {
    note(cx, format!("hook {} {}", error.code(), cx.phase()));
    error.set_message(format!("{} (seen)", error.message()));
}

struct Inner(Journal);

#[ws_controller("/inner", guard(controller_guard), middleware(controller_wrap))]
impl Inner {
    #[connect_guard]
    fn admitted(&self) {
        self.0.note("connect guard");
    }

    #[on_connection]
    #[middleware(method_wrap)]
    async fn joined(&self) {
        self.0.note("joined");
    }

    #[on_message("hello", "global", "controller", "method")]
    #[guard(method_guard)]
    #[middleware(method_wrap)]
    fn hello(&self) -> u8 {
        self.0.note("hello");
        1
    }

    #[on_disconnecting]
    fn leaving(&self) {
        self.0.note("leaving");
    }

    #[on_disconnect]
    #[middleware(method_wrap)]
    async fn left(&self) -> Result<(), EventError> {
        self.0.note("left");
        Err(EventError::new("late", "nobody hears this"))
    }
}

struct Replaced(Journal);

#[ws_controller("/replaced")]
impl Replaced {
    #[on_message("replaced")]
    #[emit("emitted")]
    #[middleware(replaces)]
    async fn replaced(&self) -> u8 {
        1
    }

    #[on_message("skipped")]
    #[emit("emitted")]
    #[middleware(skips)]
    fn skipped(&self) -> u8 {
        self.0.note("called");
        1
    }
}

fn io(journal: &Journal) -> IoBuilder {
    Io::builder()
        .data(journal.data())
        .guard(global_guard)
        .middleware(global_wrap)
        .on_error(global_hook)
        .mount(Inner(journal.clone()))
        .mount(Replaced(journal.clone()))
}

/// What middleware of the given names writes around the inner lines.
fn around(who: &[&str], phase: &str, inner: &[&str]) -> Vec<String> {
    let begins = who.iter().map(|who| format!("{who} begins {phase}"));
    let ends = who.iter().rev().map(|who| format!("{who} ends {phase}"));
    begins.chain(inner.iter().map(ToString::to_string)).chain(ends).collect()
}

#[actix_web::test]
async fn e17_refusals_at_each_level_for_connect_and_events_alike() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        for who in ["global", "controller"] {
            let client = srv.client().namespace("/inner").query("refuse", who).connect().await;
            let (message, data) = refused(client);
            assert_eq!((message, data), (format!("{who} (seen)"), Some(json!({ "code": "no" }))));
            assert_eq!(journal.count("joined"), 0);
        }
        assert_eq!(journal.count("hook no connect"), 2);
        let client = TestClient::connect(&srv, "/inner").await?;
        for who in ["global", "controller", "method"] {
            let error = error(&client, who, ()).await?;
            assert_eq!(error, json!({ "code": "no", "message": format!("{who} (seen)") }));
        }
        assert_eq!(journal.count("hook no event"), 3);
        assert_eq!(journal.count("hello"), 0);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e17_guards_from_outside_in_and_middleware_around_every_phase() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = TestClient::connect(&srv, "/inner").await?;
        assert_eq!(ack(&client, "hello", ()).await?, json!([1]));
        end(srv, client).await;
        journal.wait("global ends disconnect").await;

        let inner =
            around(&["controller"], "connect", &["connect guard", "controller guard connect"]);
        let mut connect = vec!["global guard connect"];
        connect.extend(inner.iter().map(String::as_str));
        let all = ["global", "controller", "method"];
        let mut expected = around(&["global"], "connect", &connect);
        expected.extend(around(&all, "connection", &["joined"]));
        expected.extend(all.map(|who| format!("{who} guard event")));
        expected.extend(around(&all, "event", &["hello"]));
        expected.extend(around(&all[..2], "disconnecting", &["leaving"]));
        expected.extend(around(&all, "disconnect", &["left"]));
        expected.push("hook late disconnect".to_owned());
        let lines = journal.until("the hook", |lines| lines.len() == expected.len()).await;
        assert_eq!(lines, expected);
    }
    Ok(())
}

#[actix_web::test]
async fn e17_middleware_may_replace_the_reply_and_skip_the_handler() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let srv = back.start(io(&journal)).await;
        let client = TestClient::connect(&srv, "/replaced").await?;
        assert_eq!(ack(&client, "replaced", ()).await?, json!([2, "replaced"]));
        assert_eq!(ack(&client, "skipped", ()).await?, json!(["skipped"]));
        client.emit("replaced", ()).await?;
        client.emit("skipped", ()).await?;
        assert_eq!(client.next::<sio_client::Args<(u8, String)>>("emitted").await?.0.0, 2);
        assert_eq!(client.next::<String>("emitted").await?, "skipped");
        assert_eq!(journal.count("called"), 0);
        end(srv, client).await;
    }
    Ok(())
}
