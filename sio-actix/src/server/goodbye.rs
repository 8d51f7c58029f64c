//! The orderly end of all Socket.IO servers of one HTTP server, without the application's doing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;

use crate::Io;

/// The servers that get their end when the HTTP server gets its own.
#[derive(Default)]
pub(super) struct Goodbye {
    servers: Mutex<Vec<Io>>,
    started: AtomicBool,
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
