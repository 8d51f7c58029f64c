//! What happens on sessions that are up: messages out, packets in, each compared with what must come.

use std::ops::Range;

use super::{Clients, Reply, Stage, shown};
use crate::message::JOIN;
use crate::net::{At, Net, Role};
use crate::scenario::{Shape, Transport};
use crate::websocket;

impl Clients {
    /// Sends the first messages: a whole window of each client, or of the publisher.
    pub(crate) fn start(&mut self, net: &mut Net) {
        self.is_running = true;
        let now = net.now();
        if self.scenario.has_publisher() {
            for _ in 0..self.scenario.window {
                self.publish(net, now);
            }
            return;
        }
        for index in 0..self.clients.len() {
            if self.stage(index) == Stage::Ready {
                let now = net.now();
                for slot in 0..self.scenario.window {
                    self.emit(net, index, slot, now);
                }
                net.flush();
            }
        }
    }

    /// Sends one message of each of these clients; how many answers must come.
    pub(crate) fn touch(&mut self, net: &mut Net, clients: Range<usize>) -> u64 {
        let mut sent = 0;
        for index in clients {
            if self.stage(index) == Stage::Ready {
                let now = net.now();
                self.emit(net, index, 0, now);
                sent += 1;
            }
        }
        sent
    }

    /// One packet of Engine.IO, over any transport.
    pub(super) fn on_packet(&mut self, net: &mut Net, at: At, packet: &[u8]) {
        match packet {
            [b'4', message @ ..] => self.on_message(net, at, message),
            b"2" => self.on_ping(net, at),
            [b'0', ..] => self.on_open(net, at, packet),
            b"3probe" => self.on_probed(net, at),
            b"6" => {}
            _ => self.error(format!("unexpected packet {}", shown(packet))),
        }
    }

    fn on_ping(&mut self, net: &mut Net, at: At) {
        self.pings += 1;
        if at.role == Role::Websocket {
            net.send(at.link, &websocket::text("3"));
        } else if let Some(client) = self.client(at.client) {
            client.outgoing.push(b"3".to_vec());
            self.push(net, at.client);
        }
    }

    fn on_message(&mut self, net: &mut Net, at: At, message: &[u8]) {
        match message {
            [b'0', ..] => self.on_connect(net, at),
            [b'3', rest @ ..] => {
                let (id, args) = number(rest);
                self.on_ack(net, at, id, args);
            }
            [b'2', event @ ..] => {
                self.compare("event", event);
                self.on_reply(net, at, Reply::Event);
            }
            // One attachment follows.
            [b'5', b'1', b'-', event @ ..] => self.announce(at, "event", event, Reply::Event),
            [b'6', b'1', b'-', rest @ ..] => {
                let (id, args) = number(rest);
                self.announce(at, "ack", args, Reply::Ack(id));
            }
            _ => self.error(format!("unexpected message {}", shown(message))),
        }
    }

    fn on_ack(&mut self, net: &mut Net, at: At, id: usize, args: &[u8]) {
        if id == JOIN {
            if let Some(client) = self.client(at.client)
                && !std::mem::replace(&mut client.has_joined, true)
            {
                self.joined += 1;
            }
        } else if self.stage(at.client) == Stage::Upgraded {
            if args != b"[\"up\"]" {
                self.error(format!("wrong ack {}", shown(args)));
            }
            self.set_ready(net, at);
        } else {
            self.compare("ack", args);
            self.on_reply(net, at, Reply::Ack(id));
        }
    }

    fn compare(&mut self, what: &str, found: &[u8]) {
        if !self.messages.is_expected(found) {
            self.error(format!("wrong {what} {}", shown(found)));
        }
    }

    fn announce(&mut self, at: At, what: &str, found: &[u8], reply: Reply) {
        self.compare(what, found);
        if let Some(client) = self.client(at.client) {
            client.announced = Some(reply);
        }
    }

    pub(super) fn on_attachment(&mut self, net: &mut Net, at: At, bytes: &[u8]) {
        if !self.messages.is_attachment(bytes) {
            self.error(format!("wrong attachment of {} bytes", bytes.len()));
        }
        match self.client(at.client).and_then(|client| client.announced.take()) {
            Some(reply) => self.on_reply(net, at, reply),
            None => self.error("an attachment that nothing announced".to_owned()),
        }
    }

    fn on_reply(&mut self, net: &mut Net, at: At, reply: Reply) {
        if self.scenario.has_publisher() {
            return self.on_delivery(net, at);
        }
        let Some(client) = self.clients.get_mut(at.client) else { return };
        let slot = match reply {
            Reply::Event => {
                let slot = client.oldest;
                client.oldest = (slot + 1) % self.scenario.window;
                slot
            }
            Reply::Ack(id) => id,
        };
        let Some(sent) = client.sent.get(slot).copied() else {
            return self.error(format!("an ack with id {slot}"));
        };
        self.latency.add(at.now.saturating_sub(sent));
        self.count += 1;
        if self.is_running {
            self.emit(net, at.client, slot, at.now);
        }
    }

    fn emit(&mut self, net: &mut Net, index: usize, slot: usize, now: u64) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if let Some(sent) = client.sent.get_mut(slot) {
            *sent = now;
        }
        if self.scenario.transport == Transport::Polling {
            client.outgoing.extend(self.messages.packets.get(slot).cloned());
            self.push(net, index);
        } else if let Some(link) = client.websocket {
            net.send(link, self.messages.frames(slot));
        }
    }

    /// The next broadcast; rooms take turns.
    fn publish(&mut self, net: &mut Net, now: u64) {
        let room = match self.scenario.shape {
            Shape::Room { rooms } => self.rounds.next % rooms as u64,
            _ => 0,
        };
        self.rounds.next += 1;
        self.rounds.open.push_back((now, self.rounds.receivers));
        if let Some(link) = self.clients.first().and_then(|client| client.websocket) {
            net.send(link, self.messages.frames(usize::try_from(room).unwrap_or(0)));
        }
    }

    /// A broadcast reached one client. Broadcasts of one room arrive in order: the count says which it was.
    fn on_delivery(&mut self, net: &mut Net, at: At) {
        let Some(client) = self.clients.get_mut(at.client) else { return };
        let nth = client.received;
        client.received += 1;
        let number = match (self.scenario.shape, at.client.checked_sub(1)) {
            (Shape::Room { .. }, None) => {
                return self.error("a delivery to the publisher, who is in no room".to_owned());
            }
            (Shape::Room { rooms }, Some(member)) => (member % rooms) as u64 + nth * rooms as u64,
            _ => nth,
        };
        self.count += 1;
        let rounds = &mut self.rounds;
        let place = number.checked_sub(rounds.first).and_then(|n| usize::try_from(n).ok());
        let round = place.and_then(|place| rounds.open.get_mut(place));
        let Some((published, missing)) = round.filter(|(_, missing)| *missing > 0) else {
            return self.error(format!("a delivery that nobody published, {number}"));
        };
        let latency = at.now.saturating_sub(*published);
        *missing -= 1;
        let was_last = *missing == 0;
        self.latency.add(latency);
        if !was_last {
            return;
        }
        self.fan_out.add(latency);
        rounds.done += 1;
        while rounds.open.front().is_some_and(|(_, missing)| *missing == 0) {
            rounds.open.pop_front();
            rounds.first += 1;
        }
        if self.is_running {
            self.publish(net, at.now);
        }
    }
}

/// The number in front, and what follows.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(digits);
    let value = digits.iter().fold(0_usize, |value, digit| {
        value.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
    });
    (value, rest)
}
