//! Where TCP cuts the bytes says nothing: pushes and frames in random pieces give the packets they give whole.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::thread::sleep;
use std::time::Duration;

use integration::{Http, Legacy, Polling, Server, Wire, Ws, echo, masked, sid_of};

const SEED: u64 = 0x5eed_0f5e_9b1e_57a1;
/// Pushes or batches of frames of one test.
const ROUNDS: usize = 40;
/// Between two pieces, so that most are read one by one; nothing depends on it.
const GAP: Duration = Duration::from_micros(300);
/// One of each length in UTF-8, and what JSON and payloads write as it is.
const LETTERS: [&str; 8] = ["a", "7", ":", " ", "é", "€", "😀", "b4"];

/// The same numbers at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % end as u64).unwrap()
    }

    fn text(&mut self) -> String {
        let letters = self.below(40);
        (0..letters).map(|_| LETTERS[self.below(LETTERS.len())]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = self.below(200);
        (0..len).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }

    /// Up to six events, some with one or two attachments.
    fn frames(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        for _ in 0..=self.below(6) {
            let attachments = self.below(3);
            let head = if attachments == 0 { "42".to_owned() } else { format!("45{attachments}-") };
            let mut args = vec![r#""m""#.to_owned(), format!("\"{}\"", self.text())];
            for num in 0..attachments {
                args.push(format!(r#"{{"_placeholder":true,"num":{num}}}"#));
            }
            frames.push(Frame::Text(format!("{head}[{}]", args.join(","))));
            frames.extend((0..attachments).map(|_| Frame::Binary(self.bytes())));
        }
        frames
    }

    /// Writes the bytes in up to twelve pieces, now and then the first ones one by one.
    #[expect(clippy::disallowed_methods, reason = "a gap between writes, not a wait")]
    fn write(&mut self, wire: &mut Wire, bytes: &[u8]) {
        let mut cuts: Vec<usize> = if self.below(10) == 0 {
            (0..bytes.len().min(150)).collect()
        } else {
            (0..self.below(12)).map(|_| self.below(bytes.len())).collect()
        };
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for piece in cuts.windows(2).filter(|piece| piece[0] < piece[1]) {
            wire.write(&bytes[piece[0]..piece[1]]);
            sleep(GAP);
        }
    }

    /// A POST of the body, some in chunks that begin and end anywhere.
    fn post(&mut self, http: &mut Http, target: &str, kind: &str, body: &[u8]) {
        let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n");
        let mut request = head.into_bytes();
        if self.below(2) == 0 {
            request.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
            request.extend(body);
        } else {
            request.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = body;
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(self.below(rest.len()) + 1);
                request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                request.extend(chunk);
                request.extend(b"\r\n");
                rest = after;
            }
            request.extend(b"0\r\n\r\n");
        }
        self.write(http.wire(), &request);
        http.response().expect(200, "ok");
    }
}

enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for digit in 0..4 {
            let known = digit <= group.len();
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if known { char::from(DIGITS[value]) } else { '=' });
        }
    }
    text
}

/// Packets of revision 4, as they are pushed and polled.
fn packets(frames: &[Frame]) -> Vec<String> {
    let packet = |frame: &Frame| match frame {
        Frame::Text(text) => text.clone(),
        Frame::Binary(bytes) => format!("b{}", base64(bytes)),
    };
    frames.iter().map(packet).collect()
}

/// A payload of revision 3 in its text form.
fn text_payload(frames: &[Frame]) -> String {
    let packet = |frame: &Frame| {
        let packet = match frame {
            Frame::Text(text) => text.clone(),
            Frame::Binary(bytes) => format!("b4{}", base64(bytes)),
        };
        format!("{}:{packet}", packet.encode_utf16().count())
    };
    frames.iter().map(packet).collect()
}

/// A payload of revision 3 in its binary form.
fn binary_payload(frames: &[Frame]) -> Vec<u8> {
    let mut payload = Vec::new();
    for frame in frames {
        let (kind, packet) = match frame {
            Frame::Text(text) => (0, text.clone().into_bytes()),
            Frame::Binary(bytes) => (1, [&[4][..], bytes].concat()),
        };
        payload.push(kind);
        payload.extend(packet.len().to_string().bytes().map(|digit| digit - b'0'));
        payload.push(255);
        payload.extend(packet);
    }
    payload
}

fn server() -> Server {
    Server::start(|io| io.allow_eio3(true).namespace("/", echo), 2)
}

#[test]
fn pushes_of_revision_4_in_random_pieces_give_the_same_packets() {
    let server = server();
    let mut random = Random(SEED);
    let mut session = Polling::joined(&server);
    for _ in 0..ROUNDS {
        let sent = packets(&random.frames());
        let target = session.target().to_owned();
        let body = sent.join("\x1e");
        random.post(&mut session.pushes, &target, "text/plain;charset=UTF-8", body.as_bytes());
        assert_eq!(session.poll_packets(sent.len()), sent);
    }
    session.fence();
}

#[test]
fn pushes_of_revision_3_in_random_pieces_give_the_same_packets() {
    let server = server();
    let mut random = Random(SEED);
    let mut session = Legacy::joined(&server, "&b64=1");
    for round in 0..ROUNDS {
        let frames = random.frames();
        let sent = text_payload(&frames);
        let target = session.target().to_owned();
        if round % 2 == 0 {
            let kind = "text/plain;charset=UTF-8";
            random.post(&mut session.pushes, &target, kind, sent.as_bytes());
        } else {
            let body = binary_payload(&frames);
            random.post(&mut session.pushes, &target, "application/octet-stream", &body);
        }
        let mut got = String::new();
        while got.len() < sent.len() {
            got.push_str(&session.poll());
        }
        assert_eq!(got, sent);
    }
    session.fence();
}

#[test]
fn frames_in_random_pieces_give_the_same_packets() {
    let server = server();
    let mut random = Random(SEED);
    for revision in [3, 4] {
        let target = format!("/socket.io/?EIO={revision}&transport=websocket");
        let mut ws = Ws::connect(&server, &target);
        let open = ws.next_text();
        assert!(!sid_of(&open).is_empty());
        // Clients of revision 3 are in `/` from the beginning.
        if revision == 3 {
            ws.expect("40");
        } else {
            ws.join();
        }
        let head: &[u8] = if revision == 3 { &[4] } else { &[] };
        for _ in 0..ROUNDS {
            let sent = random.frames();
            let bytes: Vec<Vec<u8>> = sent
                .iter()
                .map(|frame| match frame {
                    Frame::Text(text) => masked(0x81, text),
                    Frame::Binary(bytes) => masked(0x82, [head, bytes].concat()),
                })
                .collect();
            random.write(ws.wire(), &bytes.concat());
            for frame in &sent {
                match frame {
                    Frame::Text(text) => ws.expect(text),
                    Frame::Binary(bytes) => ws.expect_binary(&[head, bytes].concat()),
                }
            }
        }
        ws.fence();
    }
}
