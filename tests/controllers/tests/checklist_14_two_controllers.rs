//! Point 14: two controllers on one namespace.

use controllers_tests::{Back, Journal, TestResult, ack, end, error};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

struct First(Journal);
struct Second(Journal);

#[ws_controller("/shared", guard(|_: &EventCx<'_>| true))]
impl First {
    #[connect_guard]
    fn admitted(&self) {
        self.0.note("first guard");
    }

    #[on_connection]
    fn joined(&self) {
        self.0.note("first joined");
    }

    #[on_message("first")]
    fn first(&self) -> &'static str {
        "first"
    }

    #[on_message("both", multi)]
    fn both(&self) -> &'static str {
        self.0.note("first both");
        "first answers"
    }

    #[on_message("both fail", multi)]
    fn both_fail(&self) -> u8 {
        1
    }

    #[on_disconnecting]
    fn leaving(&self) {
        self.0.note("first leaving");
    }

    #[on_disconnect]
    fn left(&self) {
        self.0.note("first left");
    }
}

#[ws_controller("/shared")]
impl Second {
    #[connect_guard]
    fn admitted(&self, socket: Socket) -> bool {
        self.0.note("second guard");
        socket.handshake().query_value("refused").is_none()
    }

    #[on_connection]
    fn joined(&self) {
        self.0.note("second joined");
    }

    #[on_message("second")]
    #[guard(|_: &EventCx<'_>| false)]
    fn second(&self) {}

    #[on_message("both", multi)]
    fn both(&self) -> &'static str {
        self.0.note("second both");
        "nobody hears this"
    }

    #[on_message("both fail", multi)]
    fn both_fail(&self) -> Result<u8, EventError> {
        Err(EventError::new("second", "fails"))
    }

    #[on_disconnect]
    fn left(&self) {
        self.0.note("second left");
    }
}

mod rivals {
    use super::*;

    pub(super) struct Chat;
    pub(super) struct Shop;
    pub(super) struct OnlyMulti;

    #[ws_controller("/rivals")]
    impl Chat {
        #[on_message("say")]
        fn say(&self) {}

        #[on_message("buy")]
        fn buy(&self) {}

        #[on_message(fallback)]
        fn others(&self) {}
    }

    #[ws_controller("/rivals")]
    impl Shop {
        #[on_message("buy")]
        fn sell(&self) {}

        #[on_message(fallback)]
        fn unknown(&self) {}
    }

    #[ws_controller("/rivals")]
    impl OnlyMulti {
        #[on_message("say", multi)]
        fn say(&self) {}
    }
}

#[test]
fn e14_duplicate_events_are_refused_with_both_names() {
    let built = Io::builder().mount(rivals::Chat).mount(rivals::Shop).try_build();
    let message = built.expect_err("two handlers of one event").to_string();
    for part in ["`buy`", "`/rivals`", "Chat::buy", "Shop::sell", "fallback", "Shop::unknown"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn e14_multi_has_to_be_said_by_both() {
    let built = Io::builder().mount(rivals::Chat).mount(rivals::OnlyMulti).try_build();
    let message = built.expect_err("only one says `multi`").to_string();
    assert!(message.contains("Chat::say") && message.contains("OnlyMulti::say"), "{message}");
}

#[test]
fn e14_equal_events_in_different_namespaces_are_no_duplicates() {
    let builder = Io::builder().mount(rivals::Chat).mount_at("/elsewhere", rivals::Shop);
    drop(builder.try_build().expect("no conflict"));
}

#[actix_web::test]
async fn e14_hooks_of_both_run_once_each() -> TestResult {
    for back in Back::ALL {
        let journal = Journal::default();
        let builder = Io::builder().mount(First(journal.clone())).mount(Second(journal.clone()));
        let srv = back.start(builder).await;
        let client = TestClient::connect(&srv, "/shared").await?;
        assert_eq!(ack(&client, "first", ()).await?, json!(["first"]));
        assert_eq!(error(&client, "second", ()).await?["code"], "forbidden");
        end(srv, client).await;
        let expected = [
            "first guard",
            "second guard",
            "first joined",
            "second joined",
            "first leaving",
            "first left",
            "second left",
        ];
        assert_eq!(journal.lines(), expected);
    }
    Ok(())
}

#[actix_web::test]
async fn e14_either_may_refuse_the_socket() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let builder = Io::builder().mount(First(journal.clone())).mount(Second(journal.clone()));
        let srv = back.start(builder).await;
        let client = srv.client().namespace("/shared").query("refused", "1").connect().await;
        assert!(client.is_err());
        end(srv, client.ok()).await;
        assert_eq!(journal.lines(), ["first guard", "second guard"]);
    }
    Ok(())
}

#[actix_web::test]
async fn e14_multi_runs_both_and_the_first_registered_answers() -> TestResult {
    for back in Back::BOTH {
        let journal = Journal::default();
        let builder = Io::builder().mount(First(journal.clone())).mount(Second(journal.clone()));
        let srv = back.start(builder).await;
        let client = TestClient::connect(&srv, "/shared").await?;
        assert_eq!(ack(&client, "both", ()).await?, json!(["first answers"]));
        assert_eq!(journal.count("first both"), 1);
        assert_eq!(journal.count("second both"), 1);
        assert_eq!(ack(&client, "both fail", ()).await?, json!([1]));
        end(srv, client).await;
    }
    Ok(())
}
