//! The job of a connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::rt::time;
use actix_web::web::Data;
use sio_actix::prelude::*;

/// Time between two per cent.
const STEP: Duration = Duration::from_millis(100);

/// Counts the jobs that run now.
#[derive(Debug, Default)]
pub struct Jobs(AtomicUsize);

impl Jobs {
    /// How many there are.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of them: it counts until it is dropped, also where it is aborted.
struct Running(Data<Jobs>);

impl Running {
    fn new(jobs: Data<Jobs>) -> Self {
        jobs.0.fetch_add(1, Ordering::Relaxed);
        Self(jobs)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Something that takes ten seconds and tells how far it is.
pub(crate) async fn run(socket: Socket, jobs: Data<Jobs>) {
    let _running = Running::new(jobs);
    for percent in 0..=100 {
        // An error says that nobody looks on any more; the end of the connection ends the job anyway.
        let _gone = socket.emit("progress", percent);
        let _gone = socket.send(format!("{percent}%: this could be a log"));
        time::sleep(STEP).await;
    }
    let _gone = socket.send("Done");
    socket.disconnect(false);
}
