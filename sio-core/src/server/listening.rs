//! From an event's name to who hears it: the namespace's handlers, and listeners of the socket.
//!
//! One of them answers: the namespace's handler, without one the first listener, without one the fallback.

use std::rc::Rc;
use std::sync::Arc;

use crate::packet::{ArgCursor, ArgError};
use crate::shown::Shown;

use super::connection::Connection;
use super::events::Asked;
use super::listeners::heed;
use super::namespace::EventEntry;
use super::outgoing::drop_listener;
use super::socket::Socket;
use super::worker::Worker;

impl Worker {
    /// Calls the handlers and listeners of an event's name.
    #[inline]
    pub(super) fn run_named(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        args: &ArgCursor<'_>,
    ) {
        let handlers = socket.handlers();
        if socket.heeds(heed::EVENTS) {
            let listeners = socket.event_listeners(event);
            if !listeners.is_empty() {
                return self.run_listeners(connection, socket, event, asked, args, listeners);
            }
        }
        let asked = Asked::Client(asked);
        if let Some(registered) = handlers.event(event) {
            for entry in &registered.others {
                self.run_handler(connection, socket, event, Asked::Observer, args, entry);
                if connection.is_ending() || socket.has_ended() {
                    return;
                }
            }
            self.run_handler(connection, socket, event, asked, args, &registered.first);
        } else if let Some(entry) = &handlers.fallback {
            self.run_handler(connection, socket, event, asked, args, entry);
        } else {
            self.ignore_event(connection, socket, event, args);
        }
    }

    /// An event that nobody handles.
    #[cold]
    fn ignore_event(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        args: &ArgCursor<'_>,
    ) {
        let path = socket.namespace().path();
        let (namespace, shown) = (Shown(path), Shown(event));
        tracing::debug!(%namespace, event = %shown, "no handler for an event");
        if cfg!(debug_assertions) {
            let known = socket.handlers().event_names();
            if let Some(nearest) = self.hub.hints.nearest(path, event, known) {
                tracing::warn!(%namespace, event = %shown, nearest, "no handler for an event; was another one meant?");
            }
        }
        // Nobody reads the arguments, but a broken packet is still a broken packet.
        if let Err(ArgError::Malformed(error)) = args.clone().finish() {
            self.on_undecodable(connection, error);
        }
    }

    /// Calls an event's handlers, if the namespace has any, and the socket's listeners behind them.
    fn run_listeners(
        &self,
        connection: &Rc<Connection>,
        socket: &Socket,
        event: &str,
        asked: Option<u64>,
        args: &ArgCursor<'_>,
        listeners: Vec<Arc<EventEntry>>,
    ) {
        let mut asked = Asked::Client(asked);
        let call = |asked, entry: &Arc<EventEntry>| {
            if !connection.is_ending() && !socket.has_ended() {
                self.run_handler(connection, socket, event, asked, args, entry);
            }
        };
        if let Some(registered) = socket.handlers().event(event) {
            registered.others.iter().for_each(|entry| call(Asked::Observer, entry));
            call(std::mem::replace(&mut asked, Asked::Observer), &registered.first);
        }
        for entry in listeners {
            call(std::mem::replace(&mut asked, Asked::Observer), &entry);
            drop_listener(entry);
        }
    }
}
