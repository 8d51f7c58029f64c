//! A thread with a runtime of its own.
//!
//! The cluster goes on while the application's runtimes are busy or blocked, and an adapter works from any
//! thread, with or without a runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use sio_core::cluster::BoxFuture;

use super::server::poisoned;

/// The thread; it ends, with all that was spawned on it, when this is dropped or stopped.
#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Runtime {
    /// # Errors
    ///
    /// The system gives no thread, or no way to wait for sockets.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("sio-redis".to_owned()).spawn(move || {
            let _dropped_or_told = runtime.block_on(ended);
            // Names are resolved on threads that cannot be ended; nobody waits for them.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, end: Mutex::new(Some(end)) })
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Ends the thread; what runs on it is dropped.
    pub(crate) fn stop(&self) {
        drop(self.end.lock().unwrap_or_else(poisoned).take());
    }

    /// Is ready after `duration`; may be awaited on any thread.
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        // A timer can only be made on the thread that drives it.
        let timer = Remote::spawn(&self.handle, async move {
            tokio::time::sleep(duration).await;
        });
        Box::pin(async move {
            let _at_once_when_stopped = timer.await;
        })
    }
}

/// What runs on the thread and is awaited elsewhere; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Remote<T>(JoinHandle<T>);

impl<T: Send + 'static> Remote<T> {
    pub(crate) fn spawn(handle: &Handle, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(handle.spawn(work))
    }
}

impl<T> Future for Remote<T> {
    /// `None`: the thread has ended before.
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl<T> Drop for Remote<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
