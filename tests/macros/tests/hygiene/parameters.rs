//! Forms of parameters, receivers and results.

use std::sync::Arc;

use futures_core::Stream;
use futures_util::stream;
use serde::Deserialize;
use sio_actix::prelude::*;

#[derive(Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

const EVENT: &str = "constant";

mod events {
    pub(crate) const MOVED: &str = "moved";
}

struct Forms;

#[ws_controller]
impl Forms {
    #[on_message("pattern")]
    fn pattern(&self, Point { x, y }: Point, (a, mut b): (i32, i32), mut c: i32, _: i32) -> i32 {
        b += 1;
        c += 1;
        x + y + a + b + c
    }

    #[on_message(EVENT, events::MOVED)]
    #[on_message("again", ordered, cancel_on_disconnect)]
    #[emit(events::MOVED, room = EVENT)]
    async fn named(self: Arc<Self>) -> Option<u8> {
        None
    }

    #[on_message("forced")]
    fn forced(&self, #[ctx] socket: Socket, #[arg] value: u8) -> u8 {
        let _ = socket;
        value
    }

    #[on_message("typed self")]
    #[expect(clippy::needless_arbitrary_self_type, reason = "the form is what matters")]
    fn typed(self: &Self, by: u8) -> u8 {
        by
    }

    #[on_message("lifetime")]
    #[expect(clippy::needless_lifetimes, reason = "the form is what matters")]
    async fn lifetime<'a>(&'a self, text: String) -> Result<String, EventError> {
        Ok(text)
    }

    #[on_message("stream")]
    #[emit("item")]
    fn stream(&self) -> impl Stream<Item = u8> {
        stream::iter([1, 2])
    }

    #[on_message("later")]
    #[emit("item")]
    async fn later(&self) -> Result<impl Stream<Item = u8>, EventError> {
        Ok(stream::iter([1, 2]))
    }

    #[on_message("future", latest)]
    fn future(&self) -> impl Future<Output = Result<u8, EventError>> {
        std::future::ready(Ok(1))
    }

    #[on_message("rc")]
    async fn not_send(&self) -> u8 {
        let count = std::rc::Rc::new(1);
        std::future::ready(()).await;
        *count
    }

    #[on_message("twelve")]
    #[expect(clippy::too_many_arguments, reason = "as many as there may be")]
    fn twelve(
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> u8 {
        a + b + c + d + e + f + g + h + i + j + k + l
    }
}

struct Empty;

#[ws_controller("/empty")]
impl Empty {}

#[test]
fn is_mounted() {
    drop(Io::builder().mount(Forms).mount(Empty).build());
}
