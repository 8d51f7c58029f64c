//! A client that writes literal WebSocket frames.

use std::net::SocketAddr;

use crate::http::{Http, Response};
use crate::polling::{Polling, sid_of};
use crate::server::Server;
use crate::wire::Wire;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// Key and answer of RFC 6455 section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// First byte: FIN, reserved bits and opcode.
    pub head: u8,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A whole text message.
    pub fn is_text(&self) -> bool {
        self.head == 0x81
    }

    /// The payload as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }
}

/// A masked frame with this first byte.
pub fn masked(head: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![head];
    match payload.len() {
        0..126 => frame.push(0x80 | u8::try_from(payload.len()).unwrap()),
        126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
    frame
}

/// A WebSocket connection.
#[derive(Debug)]
pub struct Ws {
    wire: Wire,
    sid: String,
}

impl Ws {
    /// The bytes of a handshake.
    pub fn handshake(target: &str) -> String {
        format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        )
    }

    /// Sends a handshake and gives whatever response comes.
    #[track_caller]
    pub fn attempt(server: &Server, target: &str) -> (Response, Wire) {
        let mut http = Http::connect(server);
        http.write(Self::handshake(target));
        let response = http.response();
        (response, http.into_wire())
    }

    /// A WebSocket whose handshake was answered on this connection.
    pub const fn over(wire: Wire) -> Self {
        Self { wire, sid: String::new() }
    }

    /// Opens a WebSocket at `target`.
    #[track_caller]
    pub fn connect(server: &Server, target: &str) -> Self {
        let (response, wire) = Self::attempt(server, target);
        assert_eq!(response.status, 101, "{response:?}");
        response.expect_header("sec-websocket-accept", ACCEPT);
        Self { wire, sid: String::new() }
    }

    /// Opens a WebSocket that offers extensions; gives the answer's extensions with it.
    #[track_caller]
    pub fn offer(server: &Server, target: &str, extensions: &str) -> (Self, Option<String>) {
        let handshake = Self::handshake(target);
        let head = handshake.trim_end();
        let mut http = Http::connect(server);
        http.write(format!("{head}\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"));
        let response = http.response();
        assert_eq!(response.status, 101, "{response:?}");
        let granted = response.header("sec-websocket-extensions").map(str::to_owned);
        (Self { wire: http.into_wire(), sid: String::new() }, granted)
    }

    /// Opens a session and reads its open packet.
    #[track_caller]
    pub fn open(server: &Server) -> Self {
        let mut ws = Self::connect(server, "/socket.io/?EIO=4&transport=websocket");
        let open = ws.next_text();
        assert!(open.starts_with('0'), "{open}");
        ws.sid = sid_of(&open);
        ws
    }

    /// Opens a session and joins `/`.
    #[track_caller]
    pub fn joined(server: &Server) -> Self {
        let mut ws = Self::open(server);
        ws.join();
        ws
    }

    /// The same with a server of another process.
    #[track_caller]
    pub fn joined_at(address: SocketAddr) -> Self {
        let mut http = Http::connect_to(address);
        http.write(Self::handshake("/socket.io/?EIO=4&transport=websocket"));
        let response = http.response();
        assert_eq!(response.status, 101, "{response:?}");
        let mut ws = Self::over(http.into_wire());
        assert!(ws.next_text().starts_with('0'));
        ws.join();
        ws
    }

    /// Opens a WebSocket for a session on polling.
    #[track_caller]
    pub fn probe(server: &Server, session: &Polling) -> Self {
        let sid = session.sid();
        let mut ws =
            Self::connect(server, &format!("/socket.io/?EIO=4&transport=websocket&sid={sid}"));
        sid.clone_into(&mut ws.sid);
        ws
    }

    /// Sends `40` and reads its answer; gives the socket's id.
    #[track_caller]
    pub fn join(&mut self) -> String {
        self.text("40");
        let answer = self.next_text();
        if !answer.starts_with(r#"40{"sid":""#) {
            self.wire.fail("no CONNECT answer");
        }
        sid_of(&answer)
    }

    /// The session id.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// The connection below.
    pub const fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The connection below, for dropping it.
    pub fn into_wire(self) -> Wire {
        self.wire
    }

    /// Sends a text message in one frame.
    #[track_caller]
    pub fn text(&mut self, text: &str) {
        self.wire.write(masked(0x81, text));
    }

    /// Sends a binary message in one frame.
    #[track_caller]
    pub fn binary(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.write(masked(0x82, bytes));
    }

    /// Reads a frame.
    #[track_caller]
    pub fn next_frame(&mut self) -> Frame {
        let bytes = self.wire.take_when("frame", |input| {
            let start = payload_start(input)?;
            let end = start + payload_len(input)?;
            (input.len() >= end).then_some(end)
        });
        let start = payload_start(&bytes).unwrap();
        Frame { head: bytes[0], payload: bytes[start..].to_vec() }
    }

    /// Reads a text message.
    #[track_caller]
    pub fn next_text(&mut self) -> String {
        let frame = self.next_frame();
        if !frame.is_text() {
            self.wire.fail(&format!("no text message: {frame:?}"));
        }
        frame.text().to_owned()
    }

    /// The next message is this text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let got = self.next_text();
        if got != text {
            self.wire.fail(&format!("expected {text:?}, got {got:?}"));
        }
    }

    /// The same, after pings of the server, which are answered.
    #[track_caller]
    pub fn expect_through_pings(&mut self, text: &str) {
        loop {
            let got = self.next_text();
            if got == "2" {
                self.text("3");
            } else if got == text {
                return;
            } else {
                self.wire.fail(&format!("expected {text:?}, got {got:?}"));
            }
        }
    }

    /// The next message is these bytes.
    #[track_caller]
    pub fn expect_binary(&mut self, bytes: &[u8]) {
        let frame = self.next_frame();
        if frame.head != 0x82 || frame.payload != bytes {
            self.wire.fail(&format!("expected {bytes:02x?}, got {frame:?}"));
        }
    }

    /// The server closes with this code, `None` for an empty close frame, which is answered.
    #[track_caller]
    pub fn expect_close(&mut self, code: Option<u16>) {
        let frame = self.next_frame();
        let got = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        if frame.head != 0x88 || got != code {
            self.wire.fail(&format!("expected close {code:?}, got {frame:?}"));
        }
        // The server may have closed the connection already.
        let _gone = self.wire.try_write(masked(0x88, &frame.payload));
    }

    /// A round trip through the session: everything sent before has been handled, and nothing else came.
    #[track_caller]
    pub fn fence(&mut self) {
        self.text(r#"42999["fence"]"#);
        self.expect("43999[]");
    }
}

fn payload_start(input: &[u8]) -> Option<usize> {
    let short = *input.get(1)?;
    assert!(short < 0x80, "a frame of the server is masked");
    Some(match short {
        126 => 4,
        127 => 10,
        _ => 2,
    })
}

fn payload_len(input: &[u8]) -> Option<usize> {
    Some(match *input.get(1)? {
        126 => u16::from_be_bytes(*input.get(2..)?.first_chunk()?).into(),
        127 => usize::try_from(u64::from_be_bytes(*input.get(2..)?.first_chunk()?)).unwrap(),
        short => short.into(),
    })
}
