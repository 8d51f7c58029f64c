//! Session ids that the application makes.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use sio_core::server::Handshake;
use sio_core::sid::Sid;

/// An id that is being made, or why it cannot be.
type Making = Pin<Box<dyn Future<Output = Result<String, String>>>>;

/// Makes session ids.
pub(crate) enum GenerateId {
    Now(Box<dyn Fn(&Handshake) -> String + Send + Sync>),
    Later(Box<dyn Fn(Arc<Handshake>) -> Making + Send + Sync>),
}

impl GenerateId {
    pub(crate) fn later<F, E>(generate: F) -> Self
    where
        F: AsyncFn(Arc<Handshake>) -> Result<String, E> + Send + Sync + 'static,
        E: std::fmt::Display,
    {
        let generate = Arc::new(generate);
        Self::Later(Box::new(move |handshake| {
            let generate = Arc::clone(&generate);
            Box::pin(async move { generate(handshake).await.map_err(|error| error.to_string()) })
        }))
    }

    /// Makes an id; the error is for the application's hook, not for the client.
    pub(crate) async fn make(&self, handshake: &Arc<Handshake>) -> Result<Sid, String> {
        let making = async {
            match self {
                Self::Now(generate) => Ok(generate(handshake)),
                Self::Later(generate) => generate(Arc::clone(handshake)).await,
            }
        };
        let made = AssertUnwindSafe(making).catch_unwind().await;
        let made = made.unwrap_or_else(|_| Err("the id generator panicked".to_owned()))?;
        Sid::custom(&made)
            .ok_or_else(|| "not 1 to 128 letters, digits, `-`, `_`, `.` or `~`".to_owned())
    }
}
