//! The worker of this thread: starting it, and the task that drives it.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use sio_core::server::{Io, Worker};

use crate::transport::websocket::let_others;

/// This thread's worker; the first call starts it together with its task.
pub(crate) fn worker(io: &Io) -> Rc<Worker> {
    let (worker, started) = Worker::start(io, now);
    if started {
        let running = Running(Rc::clone(&worker));
        actix_rt::spawn(async move { drive(&running.0).await });
        actix_rt::spawn(write(Rc::clone(&worker)));
    }
    worker
}

/// tokio's clock, so that tests can pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Stops the worker when its runtime ends.
struct Running(Rc<Worker>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Writes what broadcasts have for connections at rest.
async fn write(worker: Rc<Worker>) {
    loop {
        poll_fn(|cx| match worker.write_directly(cx.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        tokio::task::yield_now().await;
    }
}

async fn drive(worker: &Worker) {
    let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
    let mut sleeps_until = None;
    poll_fn(|cx| {
        loop {
            let Poll::Pending = worker.poll(cx) else {
                return Poll::Ready(());
            };
            let deadline = worker.next_deadline();
            if deadline != sleeps_until {
                sleeps_until = deadline;
                if let Some(deadline) = deadline {
                    sleep.as_mut().reset(deadline.into());
                }
            }
            if sleeps_until.is_none() || sleep.as_mut().poll(cx).is_pending() {
                return if worker.has_more() { let_others(cx) } else { Poll::Pending };
            }
            // The deadline has passed already.
            sleeps_until = None;
        }
    })
    .await
}
