//! A broadcast over several workers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Serialize, Serializer};
use sio_core::engine::Transport;
use sio_core::server::Io;

use crate::threads::{Clock, Local, Thread};
use crate::world::Counter;

/// Sessions on each worker.
const EACH: usize = 50;

/// Counts how often it is written.
struct Counted(Arc<AtomicUsize>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("x")
    }
}

/// Two workers with their sessions, all of which have joined `/`.
fn two_workers() -> (Io, Vec<Thread>) {
    let io = Io::builder().namespace("/", |_| ()).build(Box::new(Counter::default())).unwrap();
    let clock = Clock::start();
    let threads = vec![Thread::spawn(), Thread::spawn()];
    for thread in &threads {
        thread.start(&io, &clock);
        thread.run(|local| {
            for _ in 0..EACH {
                let session = local.open(Transport::Websocket);
                local.turn(&session, None);
                local.turn(&session, Some("40"));
            }
        });
    }
    (io, threads)
}

/// Where the bytes are that the sessions of a worker write.
fn addresses(local: &mut Local) -> Vec<usize> {
    local.poll_if_woken();
    local.sessions().iter().map(|session| local.ready(session).unwrap().as_ptr().addr()).collect()
}

#[test]
fn a_broadcast_is_encoded_once_for_all_workers() {
    let (io, threads) = two_workers();
    let count = Arc::new(AtomicUsize::new(0));
    for from in 0..=threads.len() {
        let (io, value) = (io.clone(), Counted(Arc::clone(&count)));
        // From a worker, which delivers to its own sockets at once, and from a thread that has none.
        match threads.get(from) {
            Some(worker) => worker.run(move |_| io.emit("x", value).unwrap()),
            None => io.emit("x", value).unwrap(),
        }
        let addresses: Vec<usize> =
            threads.iter().flat_map(|worker| worker.run(addresses)).collect();
        assert_eq!(addresses.len(), 2 * EACH);
        assert_eq!(addresses.iter().collect::<HashSet<_>>().len(), 1);
        assert_eq!(count.swap(0, Ordering::Relaxed), 1);
    }
}
