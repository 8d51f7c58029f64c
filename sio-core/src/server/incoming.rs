//! Socket middleware: what sees the events of a socket before they find their handlers.
//!
//! An event that has to wait here is not lost when its session moves: it goes to wherever the session
//! then lives, and the socket's further events wait behind it.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::Serialize;

use crate::handler::{
    EncodedArgs, ErasedSocketMiddleware, EventCx, EventError, LocalBoxFuture, Reply, Rules,
    run_hooks,
};
use crate::packet::{ArgCursor, ArgError, EncodeError, EventArg};

use super::cancelling::while_open;
use super::connection::Connection;
use super::held::HeldEvent;
use super::life::{panicked, report};
use super::running::HandlerSlot;
use super::sessions::SessionOp;
use super::socket::Socket;
use super::spans;
use super::tasks::Tasks;
use super::worker::Worker;

/// An event of a client before its handlers see it.
#[derive(Debug)]
pub struct IncomingEvent(HeldEvent);

impl IncomingEvent {
    /// The socket it came from.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        &self.0.socket
    }

    /// Name of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.event
    }

    /// The client asked for an ack.
    #[must_use]
    pub const fn wants_ack(&self) -> bool {
        self.0.ack.is_some()
    }

    /// Renames the event: the handlers of the new name get it.
    pub fn set_name(&mut self, name: impl Into<Box<str>>) {
        self.0.event = name.into();
    }

    /// Reads the first argument as `T`, or all with `Rest<T>`.
    ///
    /// # Errors
    ///
    /// The arguments do not fit `T`.
    pub fn read<T: EventArg>(&self) -> Result<T, ArgError> {
        T::read(&mut ArgCursor::new(&self.0.args, &self.0.attachments))
    }

    /// Replaces all arguments; a tuple is several, `()` none.
    ///
    /// # Errors
    ///
    /// They cannot be serialised; then the event is as it was.
    pub fn set_args(&mut self, args: impl Serialize) -> Result<(), EncodeError> {
        let mut args = EncodedArgs::encode(&args)?;
        let mut text = String::from_utf8_lossy(args.json()).into_owned();
        text.push(']');
        self.0.args = text.into();
        self.0.attachments = args.take_attachments();
        Ok(())
    }
}

/// A socket middleware with the error hooks that see its refusals.
pub(crate) struct MiddlewareEntry {
    pub(crate) run: ErasedSocketMiddleware,
    pub(crate) rules: Arc<Rules>,
}

/// Shows an event to one middleware after another; the first that refuses it ends that.
async fn chain(entries: Vec<Arc<MiddlewareEntry>>, event: &mut IncomingEvent) -> Reply {
    for entry in entries {
        let passed = AssertUnwindSafe(entry.run.run(event)).catch_unwind().await;
        if let Err(mut error) = passed.unwrap_or_else(|_panic| Err(panicked())) {
            let socket = &event.0.socket;
            let cx = EventCx::new(socket, &event.0.event, event.0.ack, &entry.rules);
            run_hooks(&entry.rules, &mut error, &cx);
            report(&error, socket.namespace(), &event.0.event, &entry.rules);
            return Reply::Err(error);
        }
    }
    Reply::Unit
}

impl Worker {
    /// Shows an event to the socket's middleware, and then to its handlers.
    pub(super) fn run_middleware(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        ack: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        // A broken packet ends the session where it stands among the others.
        if let Err(ArgError::Malformed(error)) = args.clone().finish() {
            return self.on_undecodable(connection, error);
        }
        let mut entries = socket.handlers().middleware.clone();
        entries.extend(socket.own_middleware());
        let held = HeldEvent {
            socket: socket.clone(),
            event: event.into(),
            ack,
            args: args.unread_text().into(),
            attachments: args.attachments().to_vec(),
        };
        let passed: Rc<RefCell<Option<HeldEvent>>> = Rc::default();
        let place = Rc::clone(&passed);
        let future: LocalBoxFuture<Reply> = Box::pin(async move {
            let mut event = IncomingEvent(held);
            let reply = chain(entries, &mut event).await;
            if !reply.is_err() {
                place.replace(Some(event.0));
            }
            reply
        });
        let future = match Tasks::first_poll(future) {
            Ok(Reply::Err(error)) => return self.answer_refusal(socket, ack, error),
            Ok(_) => {
                let event = passed.take();
                return event.into_iter().for_each(|event| self.run_passed(connection, &event));
            }
            Err(future) => future,
        };
        if let Some(id) = ack {
            socket.ask(id);
        }
        let (waiting, slot) = (socket.clone(), HandlerSlot::new(socket, true));
        let future = while_open(socket, future);
        self.keep_running(socket, future, move |worker, reply| match reply {
            Reply::Err(error) => worker.answer_refusal(&waiting, ack, error),
            _ => {
                if let Some(event) = passed.take() {
                    let span = spans::Kept::current();
                    worker.route(waiting.session(), SessionOp::Passed { event, slot, span });
                }
            }
        });
    }

    /// An event that its middleware let pass, on the session's home.
    pub(super) fn run_passed(&self, connection: &Rc<Connection>, event: &HeldEvent) {
        let HeldEvent { socket, event, ack, args, attachments } = event;
        if let Some(id) = ack {
            socket.answered(*id);
        }
        if !connection.is_ending() && !socket.has_ended() {
            let args = ArgCursor::new(args, attachments);
            self.run_named(connection, socket, event, *ack, &args);
        }
    }

    /// The reference tells a refusal to nobody but its hooks; a client that asked is answered all the same.
    fn answer_refusal(&self, socket: &Socket, ack: Option<u64>, error: EventError) {
        if let Some(id) = ack {
            socket.send_ack(Some(self), id, Reply::Err(error));
        }
    }
}
