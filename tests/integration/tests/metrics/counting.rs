//! Clients that count what they send and get.

use integration::{Polling, Server, Ws};

/// What clients have sent and got; a message is what follows the engine's packet type.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) packets_in: u64,
    pub(crate) bytes_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) bytes_out: u64,
    /// Events that were sent to the server.
    pub(crate) events_in: u64,
    /// Events that came.
    pub(crate) events_out: u64,
}

impl Counts {
    fn sent(&mut self, bytes: usize) {
        self.packets_in += 1;
        self.bytes_in += bytes as u64;
    }

    fn got(&mut self, bytes: usize) {
        self.packets_out += 1;
        self.bytes_out += bytes as u64;
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.packets_in += more.packets_in;
        self.bytes_in += more.bytes_in;
        self.packets_out += more.packets_out;
        self.bytes_out += more.bytes_out;
        self.events_in += more.events_in;
        self.events_out += more.events_out;
    }
}

enum Line {
    Polling(Polling, Vec<String>),
    Ws(Ws),
}

/// A client that speaks Socket.IO packets; the engine's are below it.
pub(crate) struct Client {
    line: Line,
    pub(crate) counts: Counts,
}

fn is_event(packet: &str) -> bool {
    packet.starts_with(['2', '5'])
}

impl Client {
    pub(crate) fn websocket(server: &Server) -> Self {
        Self { line: Line::Ws(Ws::open(server)), counts: Counts::default() }
    }

    pub(crate) fn polling(server: &Server) -> Self {
        let line = Line::Polling(Polling::open(server), Vec::new());
        Self { line, counts: Counts::default() }
    }

    /// Goes on to a WebSocket; nothing may be on its way.
    pub(crate) fn upgrade(self, server: &Server) -> Self {
        let Line::Polling(mut polling, waiting) = self.line else {
            panic!("on a WebSocket already")
        };
        assert_eq!(waiting, [""; 0]);
        let mut ws = Ws::probe(server, &polling);
        polling.start_poll();
        ws.text("2probe");
        ws.expect("3probe");
        assert_eq!(polling.finish_poll().text(), "6");
        ws.text("5");
        Self { line: Line::Ws(ws), counts: self.counts }
    }

    pub(crate) fn send(&mut self, packet: &str) {
        self.counts.sent(packet.len());
        self.counts.events_in += u64::from(is_event(packet));
        match &mut self.line {
            Line::Polling(polling, _) => polling.push(format!("4{packet}")),
            Line::Ws(ws) => ws.text(&format!("4{packet}")),
        }
    }

    pub(crate) fn send_binary(&mut self, bytes: &[u8], base64: &str) {
        self.counts.sent(bytes.len());
        match &mut self.line {
            Line::Polling(polling, _) => polling.push(format!("b{base64}")),
            Line::Ws(ws) => ws.binary(bytes),
        }
    }

    /// The next packet.
    #[track_caller]
    pub(crate) fn next(&mut self) -> String {
        let packet = match &mut self.line {
            Line::Polling(polling, waiting) => {
                if waiting.is_empty() {
                    waiting.extend(polling.poll().split('\x1e').map(str::to_owned));
                }
                waiting.remove(0)
            }
            Line::Ws(ws) => ws.next_text(),
        };
        let packet = packet.strip_prefix('4').unwrap_or_else(|| panic!("{packet} is no message"));
        self.counts.got(packet.len());
        self.counts.events_out += u64::from(is_event(packet));
        packet.to_owned()
    }

    /// The next packet is this one.
    #[track_caller]
    pub(crate) fn expect(&mut self, packet: &str) {
        assert_eq!(self.next(), packet);
    }

    /// The next message is binary: these bytes.
    #[track_caller]
    pub(crate) fn expect_binary(&mut self, bytes: &[u8], base64: &str) {
        match &mut self.line {
            Line::Polling(polling, waiting) => {
                if waiting.is_empty() {
                    waiting.extend(polling.poll().split('\x1e').map(str::to_owned));
                }
                assert_eq!(waiting.remove(0), format!("b{base64}"));
            }
            Line::Ws(ws) => ws.expect_binary(bytes),
        }
        self.counts.got(bytes.len());
    }

    /// Joins a namespace.
    #[track_caller]
    pub(crate) fn join(&mut self, namespace: &str) {
        let head = if namespace == "/" { "0".to_owned() } else { format!("0{namespace},") };
        self.send(&head);
        let answer = self.next();
        assert!(answer.starts_with(&format!("{head}{{\"sid\":")), "{answer}");
    }

    /// Ends the session in order.
    pub(crate) fn close(self) -> Counts {
        match self.line {
            Line::Polling(mut polling, _) => polling.push("1"),
            Line::Ws(mut ws) => {
                ws.text("1");
                ws.expect_close(None);
            }
        }
        self.counts
    }

    /// Its connection is gone without a word.
    pub(crate) fn cut(self) -> Counts {
        match self.line {
            Line::Polling(mut polling, _) => {
                polling.start_poll();
                drop(polling);
            }
            Line::Ws(ws) => ws.into_wire().drop_connection(),
        }
        self.counts
    }
}
