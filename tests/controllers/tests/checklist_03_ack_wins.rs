//! Point 3: the ack wins over `#[emit]`, `always` does both, `#[broadcast]` is always sent.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

struct Wins;

#[ws_controller("/")]
impl Wins {
    #[on_message("sum")]
    #[emit("sum_result")]
    async fn sum(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    #[on_message("both")]
    #[emit("quiet")]
    #[emit("loud", always)]
    fn both(&self) -> &'static str {
        "x"
    }

    #[on_message("manual")]
    #[emit("quiet")]
    #[emit("loud", always)]
    fn manual(&self, ack: AckSender) -> &'static str {
        ack.send(("by hand",)).unwrap();
        "x"
    }

    #[on_message("told")]
    #[broadcast("news")]
    fn told(&self, text: String) -> String {
        text
    }

    #[on_message("fails")]
    #[emit("quiet")]
    #[emit("loud", always)]
    #[broadcast("news")]
    fn fails(&self) -> Result<u8, EventError> {
        Err(EventError::new("full", "no room"))
    }
}

#[actix_web::test]
async fn e03_ack_wins_over_emit() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Wins)).await?;
        assert_eq!(ack(&client, "sum", (1, 2)).await?, json!([3]));
        fence(&client).await?;
        assert_eq!(client.received(), []);
        client.emit("sum", (3, 4)).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "sum_result"), json!([[7]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e03_always_emits_beside_the_ack_and_before_it() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Wins)).await?;
        assert_eq!(ack(&client, "both", ()).await?, json!(["x"]));
        // No fence: the event comes before the ack.
        assert_eq!(events(&client, "loud"), json!([["x"]]));
        assert_eq!(events(&client, "quiet"), json!([]));
        client.emit("both", ()).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "loud"), json!([["x"], ["x"]]));
        assert_eq!(events(&client, "quiet"), json!([["x"]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e03_broadcast_is_sent_whether_an_ack_was_asked_or_not() -> TestResult {
    for back in Back::ALL {
        let (srv, client) = back.connect(Io::builder().mount(Wins)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        assert_eq!(ack(&client, "told", ("a",)).await?, json!(["a"]));
        client.emit("told", ("b",)).await?;
        fence(&client).await?;
        fence(&other).await?;
        assert_eq!(events(&client, "news"), json!([["a"], ["b"]]));
        assert_eq!(events(&other, "news"), json!([["a"], ["b"]]));
        end(srv, (client, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e03_error_is_acked_and_emitted_nowhere() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Wins)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        let error = json!({ "code": "full", "message": "no room" });
        assert_eq!(ack(&client, "fails", ()).await?, json!([{ "error": error }]));
        client.emit("fails", ()).await?;
        fence(&client).await?;
        fence(&other).await?;
        let received: Vec<_> = client.received().into_iter().map(|one| one.event).collect();
        assert_eq!(received, ["exception"]);
        assert_eq!(other.received(), []);
        end(srv, (client, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e03_manual_ack_leaves_the_result_to_the_events() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Wins)).await?;
        assert_eq!(ack(&client, "manual", ()).await?, json!(["by hand"]));
        fence(&client).await?;
        assert_eq!(events(&client, "loud"), json!([["x"]]));
        end(srv, client).await;
    }
    Ok(())
}
