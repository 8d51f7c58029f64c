//! Streams follow their client: pulled while it reads, dropped when it is superseded or leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use controllers_tests::{Back, Gate, Journal, TestResult, ack, end, error_body, fence};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::TransportMode;
use sio_client::test::TestClient;

#[derive(Clone, Default)]
struct Flow {
    pulled: Arc<AtomicUsize>,
    journal: Journal,
    gate: Gate,
}

/// Items of the large stream, and their size: far more than any queue on the way holds.
const ITEMS: usize = 600;
const SIZE: usize = 64 * 1024;

#[ws_controller("/")]
impl Flow {
    #[on_message("large")]
    #[emit("item")]
    fn large(&self) -> impl Stream<Item = String> {
        stream::iter(0..ITEMS).map(|_| {
            self.pulled.fetch_add(1, Ordering::SeqCst);
            "x".repeat(SIZE)
        })
    }

    #[on_message("latest", latest)]
    #[emit("number")]
    fn latest(&self, number: u8) -> impl Stream<Item = u8> {
        let dropped = self.journal.on_drop("dropped");
        stream::unfold(dropped, move |dropped| async move {
            if number == 1 {
                std::future::pending::<()>().await;
            }
            Some((number, dropped))
        })
        .take(2)
    }
}

struct Ticker(Flow);

#[ws_controller("/ticker")]
impl Ticker {
    #[on_connection]
    #[emit("tick")]
    fn ticks(&self) -> impl Stream<Item = u8> {
        let dropped = self.0.journal.on_drop("stream dropped");
        stream::unfold((0, dropped), move |(count, dropped)| async move {
            if count > 0 {
                self.0.gate.pass().await;
            }
            Some((count, (count + 1, dropped)))
        })
    }

    #[on_message("hello")]
    fn hello(&self) -> u8 {
        1
    }
}

#[actix_web::test]
async fn stream_is_pulled_only_while_the_client_reads() -> TestResult {
    for back in Back::BOTH {
        let flow = Flow::default();
        let builder = Io::builder().limits(|limits| limits.send_buffer_high = 256 * 1024);
        let srv = back.start(builder.mount(flow.clone())).await;
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        let other = TestClient::connect(&srv, "/").await?;
        let pulled = || flow.pulled.load(Ordering::SeqCst);

        client.stall();
        client.raw(r#"420["large"]"#);
        // It stops by itself: nothing is pulled while others are served again and again.
        let mut last = (usize::MAX, 0);
        while last.1 < 50 {
            fence(&other).await?;
            last =
                if pulled() == last.0 && last.0 > 0 { (last.0, last.1 + 1) } else { (pulled(), 0) };
        }
        assert!(last.0 < ITEMS, "all items were pulled though nobody reads");

        client.resume();
        for _ in 0..ITEMS {
            let item: String = client.next("item").await?;
            assert_eq!(item.len(), SIZE);
        }
        assert_eq!(pulled(), ITEMS);
        end(srv, (client, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn stalled_stream_is_dropped_when_its_client_is_gone() -> TestResult {
    for back in Back::BOTH {
        let flow = Flow::default();
        let builder = Io::builder().limits(|limits| limits.send_buffer_high = 256 * 1024);
        let srv = back.start(builder.mount(flow.clone())).await;
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        let other = TestClient::connect(&srv, "/").await?;
        client.stall();
        client.raw(r#"420["large"]"#);
        while flow.pulled.load(Ordering::SeqCst) == 0 {
            fence(&other).await?;
        }
        client.cut();
        // `stop` fails if the handler, and with it the stream, is left.
        end(srv, (client, other)).await;
        assert!(flow.pulled.load(Ordering::SeqCst) < ITEMS);
    }
    Ok(())
}

#[actix_web::test]
async fn latest_drops_the_stream_that_came_before() -> TestResult {
    for back in Back::BOTH {
        let flow = Flow::default();
        let (srv, client) = back.connect(Io::builder().mount(flow.clone())).await?;
        let (first, second) = tokio::join!(ack(&client, "latest", (1,)), async {
            fence(&client).await?;
            ack(&client, "latest", (2,)).await
        });
        assert_eq!(error_body(&first?).expect("an error")["code"], "cancelled");
        assert_eq!(second?, json!([]));
        let numbers: Vec<_> = client.received().into_iter().map(|one| json!(one.args)).collect();
        assert_eq!(numbers, [json!([2]), json!([2])]);
        flow.journal.wait_len(2).await;
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn stream_of_a_connection_handler_lasts_as_long_as_the_connection() -> TestResult {
    for back in Back::ALL {
        let flow = Flow::default();
        let srv = back.start(Io::builder().mount(Ticker(flow.clone()))).await;
        let client = TestClient::connect(&srv, "/ticker").await?;
        assert_eq!(client.next::<u8>("tick").await?, 0);
        // Events do not wait for its end.
        assert_eq!(ack(&client, "hello", ()).await?, json!([1]));
        flow.gate.let_one();
        assert_eq!(client.next::<u8>("tick").await?, 1);
        client.close().await;
        flow.journal.wait("stream dropped").await;
        end(srv, ()).await;
    }
    Ok(())
}
