//! Point 12: what becomes of waiting handlers when their socket leaves.

use controllers_tests::{Back, Gate, Journal, TestResult, end};
use futures_core::Stream;
use futures_util::stream;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::TransportMode;

#[derive(Clone, Default)]
struct Waits {
    gate: Gate,
    journal: Journal,
}

impl Waits {
    async fn work(&self, name: &'static str, dropped: &'static str) -> u8 {
        self.journal.note(name);
        let _dropped = self.journal.on_drop(dropped);
        self.gate.pass().await;
        self.journal.note("finished");
        1
    }
}

#[ws_controller("/")]
impl Waits {
    #[on_message("runs")]
    async fn runs(&self) -> u8 {
        self.work("starts", "gone").await
    }

    #[on_message("cancelled", cancel_on_disconnect)]
    async fn cancelled(&self) -> u8 {
        self.work("starts", "dropped").await
    }

    #[on_message("stream")]
    #[emit("item")]
    fn stream(&self) -> impl Stream<Item = u32> + use<> {
        let (journal, dropped) = (self.journal.clone(), self.journal.on_drop("stream dropped"));
        self.journal.note("starts");
        stream::unfold((0, dropped), move |(count, dropped)| {
            journal.note("pulled");
            async move {
                if count > 0 {
                    std::future::pending::<()>().await;
                }
                Some((count, (count + 1, dropped)))
            }
        })
    }

    #[on_message("gone")]
    async fn gone(&self, socket: Socket) -> Result<u8, EventError> {
        self.journal.note("starts");
        self.gate.pass().await;
        self.journal.note(format!("connected: {}", socket.is_connected()));
        socket.emit("late", (1,))?;
        Ok(1)
    }

    #[on_disconnect]
    fn left(&self) {
        self.journal.note("left");
    }
}

struct AllCancelled(Waits);

#[ws_controller("/cancelled", cancel_on_disconnect)]
impl AllCancelled {
    #[on_message("runs")]
    async fn runs(&self) -> u8 {
        self.0.work("starts", "dropped").await
    }

    #[on_disconnect]
    async fn left(&self) {
        tokio::task::yield_now().await;
        self.0.journal.note("left");
    }
}

struct SlowConnection(Waits);

#[ws_controller("/slow")]
impl SlowConnection {
    #[on_connection(cancel_on_disconnect)]
    async fn joined(&self) -> u8 {
        self.0.work("starts", "dropped").await
    }

    #[on_disconnect]
    fn left(&self) {
        self.0.journal.note("left");
    }
}

const MODES: [TransportMode; 2] = [TransportMode::Polling, TransportMode::Websocket];

#[actix_web::test]
async fn e12_handlers_run_to_their_end_by_default() -> TestResult {
    for (back, mode) in Back::ALL.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(waits.clone())).await;
        let client = srv.client().transport(mode).connect().await?;
        client.emit("runs", ()).await?;
        waits.journal.wait("starts").await;
        client.close().await;
        waits.journal.wait("left").await;
        waits.gate.open();
        let lines = waits.journal.wait("gone").await;
        assert_eq!(lines, ["starts", "left", "finished", "gone"], "{mode:?}");
        end(srv, ()).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e12_cancel_on_disconnect_drops_them() -> TestResult {
    for (back, mode) in Back::ALL.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(waits.clone())).await;
        let client = srv.client().transport(mode).connect().await?;
        client.emit("cancelled", ()).await?;
        waits.journal.wait("starts").await;
        client.close().await;
        waits.journal.wait("dropped").await;
        end(srv, ()).await;
        assert_eq!(waits.journal.count("finished"), 0, "{mode:?}");
        assert_eq!(waits.journal.count("left"), 1);
    }
    Ok(())
}

#[actix_web::test]
async fn e12_cancel_on_disconnect_of_a_controller_spares_disconnect_handlers() -> TestResult {
    for back in Back::BOTH {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(AllCancelled(waits.clone()))).await;
        let client = srv.client().namespace("/cancelled").connect().await?;
        client.emit("runs", ()).await?;
        waits.journal.wait("starts").await;
        client.close().await;
        waits.journal.wait("dropped").await;
        waits.journal.wait("left").await;
        end(srv, ()).await;
        assert_eq!(waits.journal.count("finished"), 0);
    }
    Ok(())
}

#[actix_web::test]
async fn e12_cancel_on_disconnect_drops_a_connection_handler() -> TestResult {
    for back in Back::BOTH {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(SlowConnection(waits.clone()))).await;
        let client = srv.client().namespace("/slow").connect().await?;
        waits.journal.wait("starts").await;
        client.close().await;
        waits.journal.wait("dropped").await;
        end(srv, ()).await;
        assert_eq!(waits.journal.count("finished"), 0);
        assert_eq!(waits.journal.count("left"), 1);
    }
    Ok(())
}

#[actix_web::test]
async fn e12_streams_are_dropped_and_pulled_no_more() -> TestResult {
    for (back, mode) in Back::ALL.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(waits.clone())).await;
        let client = srv.client().transport(mode).connect().await?;
        let mut items = client.stream::<u32>("item");
        client.emit("stream", ()).await?;
        assert_eq!(items.next().await?, 0);
        drop(items);
        client.close().await;
        waits.journal.wait("stream dropped").await;
        waits.journal.wait("left").await;
        end(srv, ()).await;
        assert_eq!(waits.journal.count("pulled"), 2, "{mode:?}: {:?}", waits.journal.lines());
    }
    Ok(())
}

#[actix_web::test]
async fn e12_handler_that_outlives_its_socket_sees_that() -> TestResult {
    for back in Back::BOTH {
        let waits = Waits::default();
        let srv = back.start(Io::builder().mount(waits.clone())).await;
        let client = srv.client().transport(TransportMode::Websocket).connect().await?;
        client.emit("gone", ()).await?;
        waits.journal.wait("starts").await;
        client.cut();
        waits.journal.wait("left").await;
        waits.gate.open();
        waits.journal.wait("connected: false").await;
        end(srv, client).await;
    }
    Ok(())
}
