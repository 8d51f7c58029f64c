//! Acks that a handler took over and let go unanswered.
//!
//! While a handler runs, an `AckSender` of its event that is dropped is only noted: the dispatcher knows
//! better what to answer, for instance the error of a parameter, of the handler, or of its panic.

use std::cell::Cell;

/// The event a handler runs for: its socket, by address, and its ack id.
pub(crate) type EventKey = (usize, u64);

#[derive(Debug, Clone, Copy)]
struct Scope {
    event: EventKey,
    dropped: bool,
}

thread_local! {
    static SCOPE: Cell<Option<Scope>> = const { Cell::new(None) };
}

/// Calls a handler, which must not unwind; `true` if it dropped the ack of `event`.
pub(crate) fn run<R>(event: EventKey, call: impl FnOnce() -> R) -> (R, bool) {
    let outer = SCOPE.replace(Some(Scope { event, dropped: false }));
    let result = call();
    let scope = SCOPE.replace(outer);
    (result, scope.is_some_and(|scope| scope.dropped))
}

/// Notes a dropped ack; `false` if no handler of its event runs on this thread.
pub(crate) fn note_dropped(event: EventKey) -> bool {
    SCOPE
        .try_with(|scope| match scope.get() {
            Some(mut current) if current.event == event => {
                current.dropped = true;
                scope.set(Some(current));
                true
            }
            _ => false,
        })
        .unwrap_or(false)
}
