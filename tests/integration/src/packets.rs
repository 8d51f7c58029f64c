//! What a packet leads to, on both transports.

use sio_actix::{DisconnectReason, Rest, Value};

use crate::app::echo;
use crate::journal::Journal;
use crate::polling::Polling;
use crate::server::Server;
use crate::ws::Ws;

/// One frame of a client or of the server.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum In<'a> {
    /// A text packet.
    Text(&'a str),
    /// An attachment.
    Binary(&'a [u8]),
}

use In::{Binary as B, Text as T};

/// Feeds packets to a server with the echo application on `/` and `/admin`, while a bystander is served.
#[derive(Debug)]
pub struct PacketBench {
    server: Server,
    journal: Journal,
    bystander: Ws,
}

impl Default for PacketBench {
    fn default() -> Self {
        Self::new()
    }
}

impl PacketBench {
    /// Starts the server.
    pub fn new() -> Self {
        let journal = Journal::new();
        let noted = journal.clone();
        let server = Server::start(
            |io| {
                io.namespace("/admin", echo).namespace("/", |ns| {
                    echo(ns);
                    for name in ["error", "connection", "message", "__proto__", "constructor"] {
                        ns.on(name, |args: Rest<Value>| args);
                    }
                    ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
                })
            },
            1,
        );
        let bystander = Ws::joined(&server);
        Self { server, journal, bystander }
    }

    /// The server.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The reasons of sockets that ended.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The input closes the session; `reasons` on WebSocket and on polling without a poll.
    #[track_caller]
    fn closes(&mut self, input: &[In<'_>], reasons: [&str; 2]) {
        let context = format!("{input:?}");
        let mut ws = Ws::joined(&self.server);
        send_frames(&mut ws, input);
        ws.expect_close(None);
        assert_eq!(self.journal.next(), reasons[0], "{context}");

        let mut session = Polling::joined(&self.server);
        session.push(payload(input));
        assert_eq!(session.poll(), "6\x1e1", "{context}");
        assert_eq!(self.journal.next(), reasons[1], "{context}");
        session.expect_unknown();

        // With a poll waiting the farewell is a close packet.
        let mut session = Polling::joined(&self.server);
        session.start_poll();
        session.push("3");
        session.push(payload(input));
        let farewell = session.finish_poll();
        assert_eq!((farewell.status, farewell.text()), (200, "1"), "{context}");
        assert_eq!(self.journal.next(), reasons[0], "{context}");
        self.bystander.fence();
    }

    /// Class P: the packet is invalid.
    #[track_caller]
    pub fn invalid(&mut self, input: &[In<'_>]) {
        self.closes(input, ["forced close"; 2]);
    }

    /// Class S: the packet is illegal in this state.
    #[track_caller]
    pub fn violation(&mut self, input: &[In<'_>]) {
        self.closes(input, ["forced close", "forced server close"]);
    }

    /// Classes I and OK: the input is answered by `output` and the session goes on.
    #[track_caller]
    pub fn answers(&mut self, input: &[In<'_>], output: &[In<'_>]) {
        let mut ws = Ws::joined(&self.server);
        send_frames(&mut ws, input);
        for frame in output {
            match frame {
                T(text) => ws.expect(text),
                B(bytes) => ws.expect_binary(bytes),
            }
        }
        ws.fence();
        ws.text("41");
        self.journal.expect("client namespace disconnect");

        let mut session = Polling::joined(&self.server);
        session.push(payload(input));
        if !output.is_empty() {
            assert_eq!(session.poll(), payload(output), "{input:?}");
        }
        session.fence();
        session.push("41");
        self.journal.expect("client namespace disconnect");
        self.bystander.fence();
    }

    /// Class I: nothing happens.
    #[track_caller]
    pub fn is_ignored(&mut self, input: &[In<'_>]) {
        self.answers(input, &[]);
    }
}

#[track_caller]
fn send_frames(ws: &mut Ws, input: &[In<'_>]) {
    for frame in input {
        match frame {
            T(text) => ws.text(text),
            B(bytes) => ws.binary(bytes),
        }
    }
}

/// The frames as one polling payload; attachments are given as base64 of up to three equal bytes.
fn payload(frames: &[In<'_>]) -> String {
    let packets: Vec<String> = frames
        .iter()
        .map(|frame| match frame {
            T(text) => (*text).to_owned(),
            B([]) => "b".to_owned(),
            B([1]) => "bAQ==".to_owned(),
            B([2]) => "bAg==".to_owned(),
            B([1, 2]) => "bAQI=".to_owned(),
            B([3, 4, 5]) => "bAwQF".to_owned(),
            B(other) => panic!("no base64 for {other:?}"),
        })
        .collect();
    packets.join("\x1e")
}
