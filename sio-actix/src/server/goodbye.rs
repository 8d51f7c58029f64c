//! The orderly end of all Socket.IO servers of one HTTP server, without the application's doing.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Context;

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::Io;

/// The servers that get their end when the HTTP server gets its own.
#[derive(Default)]
pub(super) struct Goodbye {
    servers: Mutex<Vec<Io>>,
    started: AtomicBool,
    /// Nobody waits for connections any more.
    hurry: watch::Sender<bool>,
}

/// What a connection looks at that may outlive the goodbye.
pub(super) struct LastCall {
    goodbye: Arc<Goodbye>,
    /// Before the end nobody needs to be woken for it.
    waiting: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Goodbye {
    /// Remembers a server; a clone of one that is known changes nothing.
    pub(super) fn add(&self, io: &Io) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if !servers.iter().any(|known| Arc::ptr_eq(known.hub(), io.hub())) {
            servers.push(io.clone());
        }
    }

    /// Ends all servers, at the same time, as [`Io::on_shutdown`] ends one; ready when all clients were told.
    /// The first call does it, others are ready at once.
    pub(super) async fn say(&self) {
        if self.started.swap(true, Ordering::AcqRel) {
            return;
        }
        let servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(servers.iter().map(|io| io.clone().on_shutdown(async {}))).await;
    }

    /// Has all connections cut off that are left, now and later.
    pub(super) fn hurry(&self) {
        self.hurry.send_replace(true);
    }

    /// Ready when connections are to be cut off.
    pub(super) async fn is_hurried(&self) {
        // The sender is here, so that the channel does not close.
        let mut hurry = self.hurry.subscribe();
        let _hurried = hurry.wait_for(|hurried| *hurried).await;
    }

    /// Does the same on a thread of its own: that of a worker without connections is about to end.
    pub(super) fn say_elsewhere(self: &Arc<Self>) {
        if self.started.load(Ordering::Acquire) {
            return;
        }
        let goodbye = Arc::clone(self);
        let run = move || match tokio::runtime::Builder::new_current_thread().enable_time().build()
        {
            Ok(runtime) => runtime.block_on(goodbye.say()),
            Err(error) => tracing::error!(%error, "clients get no goodbye"),
        };
        if let Err(error) = std::thread::Builder::new().name("sio-goodbye".to_owned()).spawn(run) {
            tracing::error!(%error, "clients get no goodbye");
        }
    }
}

impl LastCall {
    /// `watches`: from the beginning, for a connection that is not woken by the end of the server.
    pub(super) fn new(goodbye: &Arc<Goodbye>, watches: bool) -> Self {
        let mut last_call = Self { goodbye: Arc::clone(goodbye), waiting: None };
        if watches {
            last_call.watch();
        }
        last_call
    }

    fn watch(&mut self) -> &mut Pin<Box<dyn Future<Output = ()>>> {
        self.waiting.get_or_insert_with(|| {
            let goodbye = Arc::clone(&self.goodbye);
            Box::pin(async move { goodbye.is_hurried().await })
        })
    }

    /// The connection is to be cut off; to be asked whenever it has had its turn.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.is_none() && !self.goodbye.started.load(Ordering::Acquire) {
            return false;
        }
        self.watch().as_mut().poll(cx).is_ready()
    }
}
