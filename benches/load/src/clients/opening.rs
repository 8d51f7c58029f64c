//! How a session comes up: over a WebSocket, over polling, and by the upgrade from one to the other.

use super::{Clients, Stage, shown};
use crate::message::JOIN;
use crate::net::{At, Net, Role};
use crate::scenario::{Shape, Transport};
use crate::{http, websocket};

/// Between the packets of a polling body.
const SEPARATOR: u8 = 0x1e;

impl Clients {
    /// Begins as many sessions as may be opening at once, up to `limit` in all; whether all are up, or gone.
    pub(crate) fn open(&mut self, net: &mut Net, limit: usize) -> bool {
        while self.begun < limit && self.opening < self.scenario.concurrency {
            let index = self.begun;
            self.begun += 1;
            self.opening += 1;
            let now = net.now();
            if let Some(client) = self.client(index) {
                client.began = now;
            }
            let role = match self.scenario.transport {
                Transport::Websocket => Role::Websocket,
                Transport::Upgrade | Transport::Polling => Role::Poll,
            };
            self.link(net, index, role);
        }
        self.begun >= limit && self.opening == 0
    }

    fn link(&mut self, net: &mut Net, index: usize, role: Role) {
        match net.open(index, role) {
            Ok(link) => {
                let Some(client) = self.client(index) else { return };
                match role {
                    Role::Websocket => client.websocket = Some(link),
                    Role::Poll => client.poll = Some(link),
                    Role::Push => client.push = Some(link),
                }
            }
            Err(e) => self.give_up(index, format!("connect: {e}")),
        }
    }

    pub(super) fn on_connected(&mut self, net: &mut Net, at: At) {
        let Some(client) = self.clients.get(at.client) else { return };
        match at.role {
            Role::Websocket => net.send(at.link, &self.requests.websocket(&client.sid)),
            Role::Poll => net.send(at.link, &self.requests.poll("")),
            Role::Push => {
                self.set_ready(net, at);
                self.push(net, at.client);
            }
        }
    }

    pub(super) fn on_switched(&mut self, net: &mut Net, at: At) {
        if self.scenario.transport == Transport::Upgrade {
            net.send(at.link, &websocket::text("2probe"));
        }
    }

    /// An open packet: the session has an id.
    pub(super) fn on_open(&mut self, net: &mut Net, at: At, packet: &[u8]) {
        const KEY: &[u8] = b"\"sid\":\"";
        let sid = http::find(packet, KEY).and_then(|start| packet.get(start + KEY.len()..));
        let sid = sid.and_then(|rest| rest.split(|byte| *byte == b'"').next());
        let Some(sid) = sid else {
            let why = format!("an open packet without a sid: {}", shown(packet));
            return self.give_up(at.client, why);
        };
        let sid = String::from_utf8_lossy(sid).into_owned();
        if let Some(client) = self.client(at.client) {
            client.sid = sid;
        }
        if at.role == Role::Websocket {
            net.send(at.link, &websocket::text("40"));
        }
    }

    /// CONNECT was answered.
    pub(super) fn on_connect(&mut self, net: &mut Net, at: At) {
        if self.scenario.transport == Transport::Websocket {
            self.set_ready(net, at);
        } else if let Some(client) = self.client(at.client) {
            client.stage = Stage::Answered;
        }
    }

    pub(super) fn set_ready(&mut self, net: &mut Net, at: At) {
        let Some(client) = self.client(at.client) else { return };
        if matches!(client.stage, Stage::Ready | Stage::Gone) {
            return;
        }
        client.stage = Stage::Ready;
        let took = at.now.saturating_sub(client.began);
        self.ready += 1;
        self.opening -= 1;
        self.connecting.add(took);
        if let (Shape::Room { rooms }, Some(member)) =
            (self.scenario.shape, at.client.checked_sub(1))
        {
            let join = format!("42{JOIN}[\"join\",\"r{}\"]", member % rooms);
            net.send(at.link, &websocket::text(&join));
        }
    }

    pub(super) fn on_probed(&mut self, net: &mut Net, at: At) {
        if let Some(client) = self.client(at.client) {
            client.is_probed = true;
        }
        self.upgrade(net, at.client);
    }

    /// The upgrade is confirmed when the probe and the poll that was open are answered.
    fn upgrade(&mut self, net: &mut Net, index: usize) {
        let Some(client) = self.client(index) else { return };
        let is_due = client.is_probed && client.is_released && client.stage == Stage::Answered;
        let Some(link) = client.websocket.filter(|_| is_due) else { return };
        client.stage = Stage::Upgraded;
        net.send(link, &websocket::text("5"));
        // The session works when this is answered.
        net.send(link, &websocket::text("420[\"echo\",\"up\"]"));
        if let Some(poll) = client.poll.take() {
            net.close(poll);
        }
    }

    pub(super) fn on_response(&mut self, net: &mut Net, at: At, status: u16, body: &[u8]) {
        if status != 200 {
            return self.give_up(at.client, format!("status {status}: {}", shown(body)));
        }
        if at.role == Role::Push {
            if let Some(client) = self.client(at.client) {
                client.is_pushing = false;
            }
            return self.push(net, at.client);
        }
        let before = self.stage(at.client);
        if before != Stage::Asked {
            for packet in body.split(|byte| *byte == SEPARATOR) {
                self.on_packet(net, at, packet);
            }
        }
        let Some(client) = self.clients.get_mut(at.client) else { return };
        match before {
            Stage::Gone => return,
            Stage::Connecting => {
                client.stage = Stage::Asked;
                net.send(at.link, &self.requests.push(&client.sid, b"40"));
                return;
            }
            Stage::Asked => client.stage = Stage::Awaiting,
            Stage::Awaiting if client.stage == Stage::Answered => {
                let is_upgrade = self.scenario.transport == Transport::Upgrade;
                net.send(at.link, &self.requests.poll(&client.sid));
                let role = if is_upgrade { Role::Websocket } else { Role::Push };
                return self.link(net, at.client, role);
            }
            _ if self.scenario.transport == Transport::Upgrade
                && body.split(|byte| *byte == SEPARATOR).any(|packet| packet == b"6") =>
            {
                client.is_released = true;
                return self.upgrade(net, at.client);
            }
            _ => {}
        }
        net.send(at.link, &self.requests.poll(&client.sid));
    }

    /// Sends what waits, in one request; the next one follows its answer.
    pub(super) fn push(&mut self, net: &mut Net, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let Some(link) = client.push.filter(|_| !client.is_pushing) else { return };
        if !client.outgoing.is_empty() {
            client.is_pushing = true;
            let body = std::mem::take(&mut client.outgoing).join(&SEPARATOR);
            net.send(link, &self.requests.push(&client.sid, &body));
        }
    }
}
