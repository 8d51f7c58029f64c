//! Point 11: events of one socket start in the order of their arrival, and end as they end; `ordered`
//! makes the next wait.

use std::sync::Arc;

use controllers_tests::{Back, Gate, Journal, TestResult, ack, end, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::TransportMode;
use sio_client::test::TestClient;

#[derive(Clone, Default)]
struct Work {
    gates: Arc<[Gate; 3]>,
    journal: Journal,
}

impl Work {
    async fn work(&self, number: usize) -> usize {
        self.journal.note(format!("start {number}"));
        if let Some(gate) = self.gates.get(number) {
            gate.pass().await;
        }
        self.journal.note(format!("end {number}"));
        number
    }
}

#[ws_controller("/")]
impl Work {
    #[on_message("work")]
    async fn any_order(&self, number: usize) -> usize {
        self.work(number).await
    }

    #[on_message("ordered", ordered)]
    async fn one_by_one(&self, number: usize) -> usize {
        self.work(number).await
    }

    #[on_message("quick")]
    fn quick(&self, number: usize) {
        self.journal.note(format!("quick {number}"));
    }
}

struct AllOrdered(Work);

#[ws_controller("/ordered", ordered)]
impl AllOrdered {
    #[on_message("work")]
    async fn any_order(&self, number: usize) -> usize {
        self.0.work(number).await
    }

    #[on_message("quick")]
    fn quick(&self, number: usize) {
        self.0.quick(number);
    }
}

#[actix_web::test]
async fn e11_handlers_start_in_order_and_end_in_any() -> TestResult {
    for back in Back::ALL {
        let work = Work::default();
        let (srv, client) = back.connect(Io::builder().mount(work.clone())).await?;
        for number in 0..3 {
            client.emit("work", (number,)).await?;
            client.emit("quick", (number,)).await?;
        }
        fence(&client).await?;
        let started = ["start 0", "quick 0", "start 1", "quick 1", "start 2", "quick 2"];
        assert_eq!(work.journal.lines(), started);
        for number in [2, 0, 1] {
            work.gates[number].open();
            work.journal.wait(&format!("end {number}")).await;
        }
        assert_eq!(work.journal.lines()[6..], ["end 2", "end 0", "end 1"]);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e11_ordered_handler_makes_the_next_event_wait() -> TestResult {
    for back in Back::ALL {
        let work = Work::default();
        let srv = back.start(Io::builder().mount(work.clone())).await;
        let client = TestClient::connect(&srv, "/").await?;
        let other = TestClient::connect(&srv, "/").await?;
        let asked = ack(&client, "ordered", (0,));
        let then = async {
            work.journal.wait("start 0").await;
            client.emit("quick", (1,)).await.unwrap();
            client.emit("ordered", (1,)).await.unwrap();
            client.emit("quick", (2,)).await.unwrap();
            // Other sockets do not wait.
            fence(&other).await.unwrap();
            work.gates[1].open();
            work.gates[0].open();
        };
        let (answer, ()) = tokio::join!(asked, then);
        assert_eq!(answer?, json!([0]));
        fence(&client).await?;
        let expected = ["start 0", "end 0", "quick 1", "start 1", "end 1", "quick 2"];
        assert_eq!(work.journal.lines(), expected);
        end(srv, (client, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e11_ordered_controller_does_so_for_all_its_handlers() -> TestResult {
    for back in Back::ALL {
        let work = Work::default();
        let srv = back.start(Io::builder().mount(AllOrdered(work.clone()))).await;
        let client = TestClient::connect(&srv, "/ordered").await?;
        for number in 0..3 {
            client.emit("work", (number,)).await?;
            client.emit("quick", (number,)).await?;
        }
        work.journal.wait("start 0").await;
        for gate in work.gates.iter().rev() {
            gate.open();
        }
        let one = |n: u8| [format!("start {n}"), format!("end {n}"), format!("quick {n}")];
        let expected: Vec<_> = (0..3).flat_map(one).collect();
        assert_eq!(work.journal.wait("quick 2").await, expected);
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e11_many_events_over_many_requests_keep_their_order() -> TestResult {
    for back in Back::ALL {
        for mode in [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade] {
            let work = Work::default();
            let srv = back.start(Io::builder().mount(work.clone())).await;
            let client = srv.client().transport(mode).connect().await?;
            // Sent while the session moves from one transport, and one worker, to another.
            for number in 0..300 {
                client.emit("quick", (number,)).await?;
            }
            fence(&client).await?;
            let expected: Vec<_> = (0..300).map(|number| format!("quick {number}")).collect();
            assert_eq!(work.journal.lines(), expected, "{mode:?}");
            end(srv, client).await;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn e11_above_the_limit_of_unfinished_handlers_events_wait_and_none_is_dropped() -> TestResult
{
    for back in Back::ALL {
        let work = Work::default();
        let builder = Io::builder().limits(|limits| limits.max_handlers = 2);
        let (srv, client) = back.connect(builder.mount(work.clone())).await?;
        for number in 0..3 {
            client.emit("work", (number,)).await?;
        }
        client.emit("quick", (9,)).await?;
        work.journal.wait("start 1").await;
        work.gates[1].open();
        work.journal.wait("start 2").await;
        // It filled the place again, so the last one waits for another.
        work.gates[2].open();
        work.journal.wait("quick 9").await;
        work.gates[0].open();
        fence(&client).await?;
        let expected = ["start 0", "start 1", "end 1", "start 2", "end 2", "quick 9", "end 0"];
        assert_eq!(work.journal.wait("end 0").await, expected);
        end(srv, client).await;
    }
    Ok(())
}
