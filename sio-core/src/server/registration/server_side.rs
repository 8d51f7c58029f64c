//! Registering what handles the events of other servers.

use crate::handler::{Phase, Rules, ServerSideFn, ServerSideHandler, erase_server_side};

use super::super::node_events::ServerSideEntry;
use super::{NamespaceBuilder, Require};

/// The registration of a handler of server-side events, to be refined.
pub struct ServerSideBuilder {
    pub(super) events: Vec<Box<str>>,
    pub(super) entry: ServerSideEntry,
}

impl std::fmt::Debug for ServerSideBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerSideBuilder")
            .field("events", &self.events)
            .field("handler", &self.entry.name())
            .finish_non_exhaustive()
    }
}

impl ServerSideBuilder {
    /// As [`EventBuilder::multi`](crate::server::EventBuilder::multi).
    pub fn multi(&mut self) -> &mut Self {
        self.entry.rules.multi = true;
        self
    }
}

impl NamespaceBuilder {
    /// Handles an event that another server of the cluster has sent with
    /// [`server_side_emit`](crate::server::NamespaceRef::server_side_emit); on each of the other nodes, not on the one
    /// that sends.
    ///
    /// Parameters are arguments and what needs no socket; see [`ServerSideHandler`]. It runs on one worker
    /// of this server; events start in the order in which they came, and one that waits lets the next start.
    /// Guards, middleware and error hooks do not apply: they are about sockets.
    ///
    /// If the other server asked for an answer, it is the first argument of the result, and nothing for `()`;
    /// an `Err`, and a panic, answer as `{"error":{"code","message"}}` and are logged. An event without a
    /// handler is not answered, as in the reference: who asks waits until its time is over. That is also so
    /// where an event cannot be read. More events at one time than
    /// [`max_server_side_handlers`](crate::limits::Limits::max_server_side_handlers) are refused.
    ///
    /// An event has one handler, unless all say [`ServerSideBuilder::multi`]; all of these run, and the one
    /// that was registered first answers. A second one, and the names `connect`, `connection` and
    /// `new_namespace`, are mistakes that are told when the server is built.
    ///
    /// Differs from the reference: there all handlers of an event run and the quickest answers, which leaves
    /// open which one that is.
    ///
    /// # Examples
    ///
    /// ```
    /// use sio_core::server::Io;
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.on_server_side("leave", |io: Io, room: String| io.of("/").sockets_leave(&*room));
    ///     ns.on_server_side("count", |io: Io| io.of("/").socket_count());
    /// });
    /// # drop(server);
    /// ```
    pub fn on_server_side<M, H: ServerSideHandler<M>>(
        &mut self,
        event: impl Into<Box<str>>,
        handler: H,
    ) -> &mut ServerSideBuilder {
        let run = erase_server_side(handler);
        self.push_server_side(vec![event.into()], None, "", H::requirements, run)
    }

    pub(crate) fn add_server_side(
        &mut self,
        events: &[&'static str],
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        run: Box<ServerSideFn>,
    ) -> &mut ServerSideBuilder {
        let events = events.iter().map(|event| (*event).into()).collect();
        self.push_server_side(events, owner, method, require, run)
    }

    #[expect(clippy::expect_used, reason = "the entry was pushed in the line above")]
    fn push_server_side(
        &mut self,
        events: Vec<Box<str>>,
        owner: Option<&'static str>,
        method: &'static str,
        require: Require,
        run: Box<ServerSideFn>,
    ) -> &mut ServerSideBuilder {
        self.require(Phase::Event, owner, method, require);
        let rules = Rules { owner, method, ..Rules::default() };
        self.server_side.push(ServerSideBuilder { events, entry: ServerSideEntry { run, rules } });
        self.server_side.last_mut().expect("just pushed")
    }
}
