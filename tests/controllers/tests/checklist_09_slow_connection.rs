//! Point 9: events wait for a slow `on_connection`, in order, none lost, none twice.

use controllers_tests::{Back, Gate, Journal, TestResult, ack, end, without_sessions};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::TransportMode;

#[derive(Clone, Default)]
struct Slow {
    gate: Gate,
    journal: Journal,
}

#[ws_controller("/")]
impl Slow {
    #[on_connection]
    async fn joined(&self) {
        self.journal.note("first starts");
        self.gate.pass().await;
        self.journal.note("first ends");
    }

    #[on_connection]
    async fn joined_too(&self) {
        self.journal.note("second starts");
    }

    #[on_message("number")]
    async fn number(&self, number: u8) -> u8 {
        self.journal.note(number.to_string());
        tokio::task::yield_now().await;
        number
    }
}

/// A second one, whose connection handler is slow as well.
#[derive(Clone, Default)]
struct Slower(Slow);

#[ws_controller("/")]
impl Slower {
    #[on_connection]
    async fn joined(&self) {
        self.0.journal.note("third starts");
        self.0.gate.pass().await;
        self.0.journal.note("third ends");
    }
}

struct Beside;

#[ws_controller("/beside")]
impl Beside {
    #[on_message("hello")]
    fn hello(&self) {}
}

const MODES: [TransportMode; 3] =
    [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade];

#[actix_web::test]
async fn e09_early_events_wait_in_order_none_lost_none_twice() -> TestResult {
    for (back, mode) in Back::ALL.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let slow = Slow::default();
        let slower = Slower(slow.clone());
        let builder = Io::builder().mount(slow.clone()).mount(slower).mount(Beside);
        let srv = back.start(builder).await;
        let client = srv.client().transport(mode).connect().await?;
        for number in 0..40 {
            client.emit("number", (number,)).await?;
        }
        // The same session, so the server has read all of them when it answers.
        let beside = client.join("/beside").await?;
        ack(&beside, "hello", ()).await?;
        let starts = ["first starts", "second starts", "third starts"];
        assert_eq!(slow.journal.lines(), starts, "{mode:?}");

        slow.gate.let_one();
        slow.journal.wait("first ends").await;
        ack(&beside, "hello", ()).await?;
        assert_eq!(slow.journal.lines().len(), 4, "all connection handlers are waited for");

        slow.gate.open();
        assert_eq!(ack(&client, "number", (40,)).await?, json!([40]));
        let numbers = (0..=40).map(|number: u8| number.to_string());
        let expected: Vec<_> = ["third ends".to_owned()].into_iter().chain(numbers).collect();
        assert_eq!(slow.journal.lines()[4..], expected, "{mode:?}");
        end(srv, (client, beside)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e09_client_that_leaves_meanwhile_has_no_event_handled() -> TestResult {
    for back in Back::BOTH {
        let slow = Slow::default();
        let srv = back.start(Io::builder().mount(slow.clone())).await;
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        client.emit("number", (1,)).await?;
        slow.journal.wait("first starts").await;
        client.close().await;
        without_sessions(&srv).await;
        slow.gate.open();
        end(srv, ()).await;
        assert_eq!(slow.journal.lines(), ["first starts", "second starts", "first ends"]);
    }
    Ok(())
}
