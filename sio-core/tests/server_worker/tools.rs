//! What conversations need besides a carrier: ids, notes of handlers, gates to wait at.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Wake;

use futures_channel::oneshot;
use sio_core::sid::{SID_BYTES, SidSource};

/// Ids that count, so that a failing test reads the same each time.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl SidSource for Counter {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        *bytes = [0; SID_BYTES];
        bytes[SID_BYTES - 8..].copy_from_slice(&number.to_be_bytes());
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::AcqRel)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// What handlers of a test have noted, in order.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Gates at which handlers wait until the test opens them.
#[derive(Clone, Default)]
pub(crate) struct Gates(Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>);

impl Gates {
    pub(crate) async fn wait(&self, name: &str) {
        let (opened, waiting) = oneshot::channel();
        self.0.lock().unwrap().insert(name.to_owned(), opened);
        // A gate that is dropped is open.
        let _dropped = waiting.await;
    }

    pub(crate) fn open(&self, name: &str) {
        let gate = self.0.lock().unwrap().remove(name);
        gate.expect("nobody waits at this gate").send(()).unwrap();
    }

    /// Who waited here was dropped.
    pub(crate) fn expect_left(&self, name: &str) {
        let gate = self.0.lock().unwrap().remove(name);
        assert!(gate.expect("nobody has come to this gate").is_canceled(), "somebody still waits");
    }
}

/// The frames a server wrote (RFC 6455 section 5.2).
pub(crate) fn split_frames(mut wire: &[u8]) -> Vec<String> {
    let mut frames = Vec::new();
    while let [first, short, rest @ ..] = wire {
        let (len, rest) = match *short {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (
                usize::try_from(u64::from_be_bytes(rest[..8].try_into().unwrap())).unwrap(),
                &rest[8..],
            ),
            short => (usize::from(short), rest),
        };
        let (payload, rest) = rest.split_at(len);
        frames.push(match *first {
            0x81 => String::from_utf8(payload.to_vec()).unwrap(),
            0x82 => {
                let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("<{hex}>")
            }
            other => panic!("frame head {other:#x}"),
        });
        wire = rest;
    }
    assert!(wire.is_empty(), "half a frame was written");
    frames
}

/// A handler that panics when it is called.
pub(crate) fn fails() {
    panic!("secret");
}

/// A handler that panics when it is polled.
pub(crate) async fn fails_later() {
    panic!("secret");
}
