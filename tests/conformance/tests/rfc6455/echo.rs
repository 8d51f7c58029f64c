//! The echo program under both servers, and cases for it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use integration::{Http, Ws, masked};

/// The program on one carrier; it ends with its value.
pub(crate) struct Echo {
    child: Child,
    address: SocketAddr,
    pub(crate) name: &'static str,
}

impl Echo {
    fn start(name: &'static str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ws-echo"));
        command.args(["--port", "0", "--server", name]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, address, name }
    }

    /// WebSockets on the bare stream, and as response bodies.
    pub(crate) fn both() -> [Self; 2] {
        ["sio", "stock"].map(Self::start)
    }

    /// An open WebSocket.
    #[track_caller]
    pub(crate) fn connect(&self) -> Ws {
        let (ws, granted) = self.offer(None);
        assert_eq!(granted, None);
        ws
    }

    /// An open WebSocket, and the extensions that were granted.
    #[track_caller]
    pub(crate) fn offer(&self, extensions: Option<&str>) -> (Ws, Option<String>) {
        let mut http = Http::connect_to(self.address);
        let handshake = Ws::handshake("/");
        let head = handshake.trim_end();
        match extensions {
            Some(offer) => {
                http.write(format!("{head}\r\nSec-WebSocket-Extensions: {offer}\r\n\r\n"));
            }
            None => http.write(format!("{head}\r\n\r\n")),
        }
        let response = http.response();
        assert_eq!(response.status, 101, "{response:?}");
        let granted = response.header("sec-websocket-extensions").map(str::to_owned);
        (Ws::over(http.into_wire()), granted)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// First frames of messages that go on.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const GOES_ON: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

/// What comes back, in order.
#[derive(Debug, Clone)]
pub(crate) enum Out {
    Frame(u8, Vec<u8>),
    /// A close frame with this code, and the end of the connection.
    Close(Option<u16>),
}

/// Bytes in, frames out.
pub(crate) struct Case {
    id: String,
    sent: Vec<u8>,
    out: Vec<Out>,
}

impl Case {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), sent: Vec::new(), out: Vec::new() }
    }

    /// Sends a frame.
    pub(crate) fn send(mut self, head: u8, payload: impl AsRef<[u8]>) -> Self {
        self.sent.extend(masked(head, payload));
        self
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.sent.extend_from_slice(bytes);
        self
    }

    pub(crate) fn gives(mut self, head: u8, payload: impl Into<Vec<u8>>) -> Self {
        self.out.push(Out::Frame(head, payload.into()));
        self
    }

    pub(crate) fn echoed(self, head: u8, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref();
        self.send(head, payload).gives(head, payload)
    }

    pub(crate) fn closes(mut self, code: Option<u16>) -> Self {
        self.out.push(Out::Close(code));
        self
    }

    pub(crate) fn fails(self, code: u16) -> Self {
        self.closes(Some(code))
    }
}

/// How the bytes of a case are cut into writes.
pub(crate) const WHOLE: usize = usize::MAX;

/// Plays cases on both carriers, each in one write, and again in small ones.
#[track_caller]
pub(crate) fn play(cases: &[Case]) {
    play_cut(cases, &[WHOLE, 1]);
}

/// Plays cases on both carriers, cut as said.
#[track_caller]
pub(crate) fn play_cut(cases: &[Case], cuts: &[usize]) {
    for echo in Echo::both() {
        for case in cases {
            for cut in cuts {
                play_one(&echo, case, *cut);
            }
        }
    }
}

#[track_caller]
fn play_one(echo: &Echo, case: &Case, cut: usize) {
    let at = format!("case {} on {} in pieces of {cut}", case.id, echo.name);
    let mut ws = echo.connect();
    for piece in case.sent.chunks(cut) {
        // The server may have seen enough.
        if ws.wire().try_write(piece).is_err() {
            break;
        }
    }
    let mut closed = false;
    for out in &case.out {
        let frame = ws.next_frame();
        match out {
            Out::Frame(head, payload) => {
                assert_eq!(frame.head, *head, "{at}: {frame:?}");
                assert!(frame.payload == *payload, "{at}: another payload");
            }
            Out::Close(code) => {
                assert_eq!(frame.head, CLOSE, "{at}: {frame:?}");
                let expected = code.map(u16::to_be_bytes);
                assert_eq!(frame.payload, expected.as_ref().map_or(&[][..], |c| c), "{at}");
                closed = true;
            }
        }
    }
    if !closed {
        // Nothing more came, and the connection goes on.
        ws.wire().write(masked(PING, "over"));
        let frame = ws.next_frame();
        assert_eq!((frame.head, &frame.payload[..]), (PONG, &b"over"[..]), "{at}");
        ws.wire().write(masked(CLOSE, 1000_u16.to_be_bytes()));
        let frame = ws.next_frame();
        assert_eq!((frame.head, &frame.payload[..]), (CLOSE, &[3, 0xe8][..]), "{at}");
    }
    ws.wire().finish_writing();
    ws.wire().expect_end();
}
