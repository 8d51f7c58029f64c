//! A client: its polls and pushes, its WebSocket, and what it has seen.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use sio_core::budget::Share;
use sio_core::close::CloseReason;
use sio_core::engine::payload::{Payload, PayloadReader, Slot};
use sio_core::engine::{ProbeReply, Revision, Transport};
use sio_core::server::{
    Answer, Connection, Handshake, HandshakeParts, Opening, PollReply, PushReply, SessionHandle,
};

use super::NUMBERED;
use super::server::{SEND_BUFFER, Server, Wakes};

pub(super) enum Input {
    Text(String),
    Binary(Vec<u8>),
}

impl Input {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

struct WebSocket {
    connection: Rc<Connection>,
    probing: bool,
    input: VecDeque<Input>,
    wakes: Arc<Wakes>,
}

pub(super) struct Client {
    server: Server,
    number: u64,
    session: Arc<SessionHandle>,
    revision: Revision,
    waiting: Option<Answer<PollReply>>,
    pushes: Vec<Answer<PushReply>>,
    websocket: Option<WebSocket>,
    /// The last number seen, by the tag of the socket.
    seen: HashMap<u64, u64>,
    /// Numbered events said to the server.
    said: u64,
    /// An answer was lost, and what was in it.
    lossy: bool,
    /// The session is over, as far as the client knows.
    over: bool,
}

impl Client {
    pub(super) fn open(server: &Server, number: u64, how: u8) -> Self {
        let handshake = Handshake::new(&HandshakeParts {
            headers: &[("host", "a")],
            url: &format!("/socket.io/?EIO=4&client={number}"),
            address: None,
            secure: false,
            time: UNIX_EPOCH,
        });
        let transport = if how & 1 == 0 { Transport::Polling } else { Transport::Websocket };
        let revision = if how & 6 == 6 { Revision::V3 } else { Revision::V4 };
        let opening = Opening { revision, ..Opening::new(handshake, transport) };
        let connection = server.worker.open(opening).unwrap();
        let mut client = Self {
            server: server.clone(),
            number,
            session: Arc::clone(connection.handle()),
            revision,
            waiting: None,
            pushes: Vec::new(),
            websocket: None,
            seen: HashMap::new(),
            said: 0,
            lossy: false,
            over: false,
        };
        match transport {
            Transport::Websocket => {
                let websocket = WebSocket {
                    connection,
                    probing: false,
                    input: VecDeque::new(),
                    wakes: Arc::default(),
                };
                client.websocket = Some(websocket);
                client.turn();
                client.frame(Input::Text("40".to_owned()));
            }
            _ => {
                client.poll();
                client.push(&["40".to_owned()]);
            }
        }
        client
    }

    /// The next numbered event for the server.
    pub(super) fn numbered(&mut self) -> String {
        self.said += 1;
        format!("42[\"{NUMBERED}\",{},{}]", self.number, self.said)
    }

    // ---- polling --------------------------------------------------------------------------------

    pub(super) fn poll(&mut self) {
        let mut second = None;
        match &self.waiting {
            None => self.waiting = Some(self.server.worker.poll_session(&self.session)),
            Some(_) => second = Some(self.server.worker.poll_session(&self.session)),
        }
        self.server.run();
        self.take_answer();
        if let Some(mut second) = second {
            // The overlap ended the session, unless it had been answered meanwhile.
            match second.try_recv() {
                Ok(Some(PollReply::Payload(payload))) => self.payload(&payload),
                Ok(None) => self.waiting = Some(second),
                Ok(Some(_)) | Err(_) => {}
            }
        }
    }

    fn take_answer(&mut self) {
        let Some(waiting) = &mut self.waiting else { return };
        match waiting.try_recv() {
            Ok(None) => return,
            Ok(Some(PollReply::Payload(payload))) => {
                self.waiting = None;
                self.payload(&payload);
            }
            Ok(Some(PollReply::Refused(_) | PollReply::Overlap)) | Err(_) => self.waiting = None,
        }
    }

    fn payload(&mut self, payload: &Payload) {
        // Base64 and separators beside what may wait.
        assert!(payload.body.len() <= SEND_BUFFER * 2, "{} bytes", payload.body.len());
        let body = payload.body.clone();
        let mut reader = PayloadReader::new(body, self.revision, payload.binary);
        let mut packets = Vec::new();
        while let Some(packet) = reader.next_packet() {
            if let Slot::Text(text) = packet.expect("the server writes payloads") {
                packets.push(text.to_owned());
            }
        }
        packets.iter().for_each(|packet| self.see(packet));
    }

    pub(super) fn push(&mut self, packets: &[String]) {
        let body = match self.revision {
            Revision::V4 => packets.join("\u{1e}"),
            Revision::V3 => packets
                .iter()
                .map(|packet| format!("{}:{packet}", packet.encode_utf16().count()))
                .collect(),
        };
        // The carrier keeps longer ones away.
        if body.len() > 2_000 {
            self.said_nothing(packets);
            return;
        }
        let mut push =
            self.server.worker.push(&self.session, Bytes::from(body), false, Share::default());
        match push.try_recv() {
            Ok(Some(PushReply::Refused(_) | PushReply::Exhausted)) | Err(_) => {
                self.said_nothing(packets)
            }
            Ok(Some(PushReply::Ok | PushReply::Invalid)) => {}
            Ok(None) => self.pushes.push(push),
        }
        self.server.run();
        self.pushes.retain_mut(|push| push.try_recv().is_ok_and(|answer| answer.is_none()));
    }

    fn said_nothing(&mut self, packets: &[String]) {
        let numbered = packets.iter().filter(|packet| packet.contains(NUMBERED)).count();
        self.said -= numbered as u64;
    }

    /// The connection of a poll is lost.
    pub(super) fn lose_poll(&mut self, answered: bool) {
        if let Some(waiting) = &mut self.waiting {
            waiting.close();
            self.waiting = None;
            self.lossy = true;
            self.server.worker.poll_lost(&self.session, false);
        } else if answered {
            self.lossy = true;
            self.server.worker.poll_lost(&self.session, true);
        }
    }

    // ---- WebSocket ------------------------------------------------------------------------------

    pub(super) fn probe(&mut self) {
        if self.revision == Revision::V3 && self.websocket.is_some() {
            return;
        }
        let worker = &self.server.worker;
        if !self.session.claim_websocket() {
            return;
        }
        let Some(connection) = worker.local(&self.session) else {
            worker.release_websocket(&self.session);
            return;
        };
        if !worker.probe_opened(&connection) {
            worker.release_websocket(&self.session);
            return;
        }
        assert!(self.websocket.is_none(), "two WebSockets for one session");
        self.websocket = Some(WebSocket {
            connection,
            probing: true,
            input: VecDeque::new(),
            wakes: Arc::default(),
        });
    }

    pub(super) fn frame(&mut self, input: Input) {
        match &mut self.websocket {
            Some(websocket) => websocket.input.push_back(input),
            None => {
                if let Input::Text(text) = input {
                    self.said_nothing(&[text]);
                }
                return;
            }
        }
        self.turn();
    }

    pub(super) fn close_websocket(&mut self) {
        let Some(websocket) = self.websocket.take() else { return };
        let worker = &self.server.worker;
        if websocket.probing {
            worker.probe_closed(&websocket.connection);
            // What it had said there was said to nobody.
            let said: Vec<String> = websocket.input.into_iter().filter_map(Input::text).collect();
            self.said_nothing(&said);
        } else {
            worker.transport_closed(&websocket.connection, CloseReason::TransportClose);
            self.over = true;
        }
        websocket.connection.clear_waker();
    }

    /// What a carrier does when its task is polled.
    pub(super) fn turn(&mut self) {
        loop {
            self.one_turn();
            self.server.run();
            match &self.websocket {
                Some(websocket) if websocket.wakes.take() > 0 => {}
                _ => return,
            }
        }
    }

    fn one_turn(&mut self) {
        // What a poll was answered came before what the WebSocket says.
        self.take_answer();
        let server = self.server.clone();
        let worker = &server.worker;
        let Some(websocket) = &mut self.websocket else { return };
        let connection = Rc::clone(&websocket.connection);
        worker.catch_up();
        worker.tick();
        while websocket.probing {
            if !connection.is_probing() {
                return self.close_websocket();
            }
            let Some(input) = websocket.input.pop_front() else {
                let waker = Waker::from(Arc::clone(&websocket.wakes));
                return connection.set_waiting(&waker);
            };
            let reply = match &input {
                Input::Text(text) => worker.probe_frame(&connection, text, false, false),
                Input::Binary(_) => ProbeReply::Refused,
            };
            match reply {
                ProbeReply::Pong => {}
                ProbeReply::Upgraded => websocket.probing = false,
                ProbeReply::Refused => {
                    websocket.input.push_front(input);
                    return self.close_websocket();
                }
            }
        }
        worker.begin_turn(&connection);
        while worker.takes_frames(&connection) {
            match websocket.input.pop_front() {
                Some(Input::Text(text)) => worker.receive_text(&connection, &text),
                Some(Input::Binary(bytes)) => worker.receive_binary(&connection, bytes.into()),
                None => break,
            }
        }
        let mut written = worker.end_turn(&connection).to_vec();
        loop {
            while let Some(slice) = connection.next_slice(1024) {
                written.extend_from_slice(&slice);
            }
            if !connection.has_output() {
                break;
            }
            worker.begin_turn(&connection);
            written.extend_from_slice(&worker.end_turn(&connection));
        }
        self.frames(&written);
        if connection.is_ending() {
            self.close_websocket();
        } else if let Some(websocket) = &self.websocket {
            connection.set_waiting(&Waker::from(Arc::clone(&websocket.wakes)));
        }
    }

    fn frames(&mut self, mut wire: &[u8]) {
        while let [first, short, rest @ ..] = wire {
            let (len, rest) = match *short {
                126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
                127 => panic!("a frame longer than all that may wait"),
                short => (usize::from(short), rest),
            };
            let (payload, rest) = rest.split_at(len);
            if *first == 0x81 {
                let text = std::str::from_utf8(payload).expect("text is UTF-8").to_owned();
                self.see(&text);
            }
            wire = rest;
        }
        assert!(wire.is_empty(), "half a frame was written");
    }

    // ---- promises -------------------------------------------------------------------------------

    fn see(&mut self, packet: &str) {
        if packet == "1" {
            self.over = true;
        }
        let numbers =
            packet.strip_prefix("42[\"n\",").or_else(|| packet.strip_prefix("42/n,[\"n\","));
        let Some(numbers) = numbers else { return };
        let mut numbers = numbers.split(',').map(|number| number.parse::<u64>().unwrap());
        let (tag, number) = (numbers.next().unwrap(), numbers.next().unwrap());
        let last = self.seen.insert(tag, number).unwrap_or_default();
        if self.lossy {
            assert!(number > last, "{number} after {last}");
        } else {
            assert_eq!(number, last + 1, "socket {tag} of client {}", self.number);
        }
    }

    /// What was sent to a session that goes on has come, and what it said was heard.
    pub(super) fn expect_everything(&mut self) {
        if self.websocket.as_ref().is_some_and(|websocket| websocket.probing) {
            self.close_websocket();
        }
        for _ in 0..64 {
            match &self.websocket {
                Some(_) => self.turn(),
                None => self.poll(),
            }
            // What was read only now may wait at gates of its own.
            let more = self.server.open_gates();
            let waits = self.waiting.is_some() || self.websocket.is_some();
            if (waits && !more) || self.session.has_ended() {
                break;
            }
        }
        if self.session.has_ended() || self.over || self.lossy {
            return;
        }
        for (tag, seen) in &self.seen {
            if let Some(sent) = self.server.sent(*tag) {
                assert_eq!(*seen, sent, "socket {tag} misses something");
            }
        }
        let held = self.websocket.as_ref().is_some_and(|websocket| !websocket.input.is_empty());
        if let Some(heard) = self.server.heard(self.number)
            && !held
            && self.pushes.is_empty()
        {
            assert_eq!(heard, self.said, "client {}", self.number);
        }
    }

    /// The client goes, without a word.
    pub(super) fn go(mut self) {
        self.lose_poll(false);
        self.close_websocket();
        self.server.run();
    }
}
