//! Methods stay methods: everything beside the attributes is left alone.

use futures_util::FutureExt;
use sio_actix::prelude::*;

/// A controller with a constant and a constructor.
#[derive(Clone, Default)]
pub(crate) struct Plain {
    base: i64,
}

#[ws_controller("/plain")]
impl Plain {
    /// A constant of the user.
    pub(crate) const NAMESPACE: &'static str = "mine";

    pub(crate) const fn new(base: i64) -> Self {
        Self { base }
    }

    /// Adds.
    #[on_message("add")]
    #[inline]
    pub(crate) async fn add(&self, a: i64, b: i64) -> i64 {
        self.sum(a, b)
    }

    #[on_message("sum")]
    fn sum(&self, a: i64, b: i64) -> i64 {
        self.base + a + b
    }
}

#[test]
fn methods_are_called_without_a_server() {
    let plain = Plain::new(1);
    assert_eq!(plain.add(2, 3).now_or_never(), Some(6));
    assert_eq!(plain.sum(2, 3), 6);
}

#[test]
fn names_of_the_user_come_first() {
    assert_eq!(Plain::NAMESPACE, "mine");
    drop(Io::builder().mount(Plain::default()).build());
}
