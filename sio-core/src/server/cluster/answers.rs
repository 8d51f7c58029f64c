//! What this node answers others.
//!
//! The workers are asked through the bus; the one that is through last gives the answer. Who asks is
//! answered in any case, by an empty list if need be: silence would make it wait.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::adapter::{BroadcastOptions, Room};
use crate::cluster::{Data, Response, SocketDescription};
use crate::limits::Limit;

use super::super::broadcast_ack::{Collector, Heard, Question};
use super::super::bus::{Action, Collected};
use super::super::origin::Origin;
use super::super::socket::{EmitError, Socket};
use super::node::{Received, read_event};

impl Received<'_> {
    /// Where an answer goes.
    pub(super) fn answer(&self) -> impl Fn(Response) + Send + Sync + 'static {
        let hub = Arc::downgrade(self.hub);
        let (namespace, to) = (Arc::clone(self.namespace.path_arc()), Box::<str>::from(self.from));
        move |response| {
            if let Some(hub) = hub.upgrade()
                && let Some(cluster) = &hub.cluster
            {
                cluster.respond(&namespace, &to, response);
            }
        }
    }

    /// Finds the selected sockets of this node; `then` is called by the worker that is through last.
    fn collect(&self, options: BroadcastOptions, then: impl FnOnce(Vec<Socket>) + Send + 'static) {
        let collected = Collected { sockets: Vec::new(), done: Some(Box::new(then)) };
        self.select(options, Action::Collect(Arc::new(Mutex::new(collected))));
    }

    pub(super) fn describe_sockets(&self, options: BroadcastOptions, request: Box<str>) {
        let answer = self.answer();
        let origins = self.hub.watch.interest().origins;
        self.collect(options, move |sockets| {
            let sockets = sockets.iter().map(|socket| description(socket, origins)).collect();
            answer(Response::Sockets { request, sockets });
        });
    }

    pub(super) fn list_rooms(&self, request: Box<str>) {
        let answer = self.answer();
        self.collect(BroadcastOptions::default(), move |sockets| {
            let rooms: BTreeSet<Room> = sockets.iter().flat_map(Socket::rooms).collect();
            answer(Response::Rooms { request, rooms: rooms.into_iter().collect() });
        });
    }

    pub(super) fn list_ids(&self, rooms: Vec<Room>, request: Box<str>) {
        let answer = self.answer();
        self.collect(BroadcastOptions { rooms, ..BroadcastOptions::default() }, move |sockets| {
            let ids = sockets.iter().map(|socket| socket.id().as_str().into()).collect();
            answer(Response::Ids { request, ids });
        });
    }

    /// Does something to the socket with this id. Where it is not, nothing is answered, as older nodes take
    /// the first answer for that of the right one.
    pub(super) fn act_on_one(
        &self,
        id: Box<str>,
        request: Box<str>,
        act: impl FnOnce(&Socket) + Send + 'static,
    ) {
        let answer = self.answer();
        let rooms = vec![Room::from(&*id)];
        self.collect(BroadcastOptions { rooms, ..BroadcastOptions::default() }, move |sockets| {
            // Others may have joined the room of its id.
            if let Some(socket) = sockets.iter().find(|socket| socket.id().as_str() == &*id) {
                act(socket);
                answer(Response::Done { request });
            }
        });
    }

    /// Asks the selected sockets for acks: tells how many there are, and then each answer as it comes.
    pub(super) fn ask_sockets(&self, data: &Data, options: BroadcastOptions, request: Box<str>) {
        let answer = self.answer();
        let (event, args) = match read_event(data) {
            Ok(event) => event,
            Err(error) => {
                self.cluster.count_garbage(self.namespace.path(), &error);
                return answer(Response::ClientCount { request, count: 0 });
            }
        };
        let longest = self.hub.limits().max_cluster_ack_timeout;
        let asked = options.flags.timeout;
        if asked.is_some_and(|asked| asked > longest) {
            self.hub.count_limit(Limit::MaxClusterAckTimeout);
        }
        let timeout = asked.map_or(longest, |asked| asked.min(longest));
        let collector = Collector::of_each(self.namespace.next_ack_id(), move |heard| {
            let request = request.clone();
            match heard {
                Heard::Asked(count) => answer(Response::ClientCount { request, count }),
                Heard::Answer(args) => answer(Response::Ack { request, value: args.first() }),
                // The node that asked learns it when the time is up.
                Heard::Missing => {}
            }
        });
        match self.own(options).ask_here(&event, &args, Question { collector, timeout }) {
            Ok(()) => {}
            Err(EmitError::QueueFull) => self.cluster.count_lost(self.namespace.path()),
            Err(error) => self.cluster.count_garbage(self.namespace.path(), &error),
        }
    }
}

/// A socket as other nodes see it; `origins`: with where it comes from.
fn description(socket: &Socket, origins: bool) -> SocketDescription {
    let mut data = socket.stored_data().unwrap_or_else(|| json!({}));
    if origins {
        Origin::of(socket).write_into(&mut data);
    }
    let mut handshake = serde_json::to_value(socket.handshake_object()).unwrap_or(Value::Null);
    if socket.handlers().apart
        && let Some(auth) = handshake.get_mut("auth")
    {
        *auth = json!({});
    }
    SocketDescription { id: socket.id().as_str().into(), handshake, rooms: socket.rooms(), data }
}
