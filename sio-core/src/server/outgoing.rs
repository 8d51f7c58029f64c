//! Catch-all listeners of what is sent to a socket.
//!
//! They are the user's code: a delivery first goes through all receivers, then tells the listeners.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::handler::EncodedArgs;
use crate::packet::{ArgCursor, ArgError, EventArg};

use super::socket::Socket;

/// Called with each event that is sent to a socket.
pub(crate) type OutgoingFn = dyn Fn(&OutgoingEvent) + Send + Sync;

thread_local! {
    /// A listener runs on this thread.
    static LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// An event on its way to a client, as [`Socket::on_any_outgoing`] shows it.
#[derive(Debug, Clone)]
pub struct OutgoingEvent {
    name: Box<str>,
    /// As `packet::Packet::args`.
    args: Box<str>,
    attachments: Vec<Bytes>,
    /// What a listener has made of it for the others.
    shared: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// What was made of them does not count.
impl PartialEq for OutgoingEvent {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.args == other.args && self.attachments == other.attachments
    }
}

impl Eq for OutgoingEvent {}

/// Bytes of `packet::Packet::args` without the comma before the first and the closing bracket.
pub(super) const fn args_len(args: &str) -> usize {
    args.len().saturating_sub(2)
}

impl OutgoingEvent {
    pub(crate) fn new(name: &str, args: &[u8], attachments: &[Bytes]) -> Self {
        let mut text = String::with_capacity(args.len() + 1);
        text.push_str(&String::from_utf8_lossy(args));
        text.push(']');
        let (args, attachments) = (text.into(), attachments.to_vec());
        Self { name: name.into(), args, attachments, shared: OnceLock::new() }
    }

    pub(crate) fn of_args(name: &str, args: &EncodedArgs) -> Self {
        Self::new(name, args.json(), args.attachments())
    }

    /// Name of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the arguments as JSON, with the commas between them, and of the attachments.
    #[must_use]
    pub fn size(&self) -> usize {
        args_len(&self.args) + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// What `make` makes of the event, once for all sockets that a broadcast goes to: listeners of the others get
    /// the same, if they ask for the same type. Workers that ask at one moment may both call it; one's value is
    /// kept. It lives as long as the event.
    pub fn shared<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(kept) = self.shared.get() {
            let kept = Arc::clone(kept).downcast();
            return kept.unwrap_or_else(|_other_type| Arc::new(make()));
        }
        // Nobody waits for this call, which is the listener's.
        let made = Arc::new(make());
        let kept = self.shared.get_or_init(|| Arc::<T>::clone(&made) as Arc<dyn Any + Send + Sync>);
        Arc::clone(kept).downcast().unwrap_or(made)
    }

    /// Reads the first argument as `T`, or all with `Rest<T>`; bytes are bytes.
    ///
    /// # Errors
    ///
    /// The arguments do not fit `T`.
    pub fn read<T: EventArg>(&self) -> Result<T, ArgError> {
        T::read(&mut ArgCursor::new(&self.args, &self.attachments))
    }
}

impl Socket {
    /// Shows an event to the listeners of this socket, unless one of them sends it.
    pub(super) fn tell_outgoing(&self, event: &OutgoingEvent) {
        let listeners = self.outgoing_listeners();
        if listeners.is_empty() || LISTENING.replace(true) {
            return;
        }
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(event))).is_err() {
                let event = event.name();
                tracing::error!(event, "a listener of outgoing events panicked");
            }
            // The last reference may be this one.
            drop_listener(listener);
        }
        LISTENING.set(false);
    }
}

/// Drops something that may be the user's; a panic ends here.
pub(super) fn drop_listener<T: ?Sized>(listener: Arc<T>) {
    if catch_unwind(AssertUnwindSafe(|| drop(listener))).is_err() {
        tracing::error!("dropping a listener panicked");
    }
}
