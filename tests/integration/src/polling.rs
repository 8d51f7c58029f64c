//! A polling session: one connection for polls, one for pushes.

use std::net::SocketAddr;

use crate::http::{Http, Response};
use crate::server::Server;

/// The value of `"sid"` in an open packet or a CONNECT answer.
#[track_caller]
pub fn sid_of(text: &str) -> String {
    match text.split_once(r#""sid":""#) {
        Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
        None => panic!("no sid in {text:?}"),
    }
}

/// A session on long-polling.
#[derive(Debug)]
pub struct Polling {
    /// Connection of the polls.
    pub polls: Http,
    /// Connection of the pushes.
    pub pushes: Http,
    sid: String,
    target: String,
}

impl Polling {
    /// Opens a session by `GET /socket.io/?EIO=4&transport=polling`.
    #[track_caller]
    pub fn open(server: &Server) -> Self {
        Self::open_at(server.address())
    }

    /// The same with a server of another process.
    #[track_caller]
    pub fn open_at(address: SocketAddr) -> Self {
        let mut polls = Http::connect_to(address);
        let answer = polls.get("/socket.io/?EIO=4&transport=polling");
        assert_eq!(answer.status, 200, "{answer:?}");
        let sid = sid_of(answer.text());
        Self {
            polls,
            pushes: Http::connect_to(address),
            target: format!("/socket.io/?EIO=4&transport=polling&sid={sid}"),
            sid,
        }
    }

    /// Opens a session and joins `/`.
    #[track_caller]
    pub fn joined(server: &Server) -> Self {
        Self::joined_at(server.address())
    }

    /// The same with a server of another process.
    #[track_caller]
    pub fn joined_at(address: SocketAddr) -> Self {
        let mut session = Self::open_at(address);
        session.join();
        session
    }

    /// Pushes `40` and polls its answer; gives the socket's id.
    #[track_caller]
    pub fn join(&mut self) -> String {
        self.push("40");
        let answer = self.poll();
        assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        sid_of(&answer)
    }

    /// The session id.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Path and query of polls and pushes.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Pushes a payload and gives the response.
    #[track_caller]
    pub fn try_push(&mut self, payload: impl AsRef<[u8]>) -> Response {
        self.pushes.post(&self.target, payload)
    }

    /// Pushes a payload, which is answered `ok`.
    #[track_caller]
    pub fn push(&mut self, payload: impl AsRef<[u8]>) {
        self.try_push(payload).expect(200, "ok");
    }

    /// Polls and gives the response.
    #[track_caller]
    pub fn try_poll(&mut self) -> Response {
        self.start_poll();
        self.finish_poll()
    }

    /// Polls a payload.
    #[track_caller]
    pub fn poll(&mut self) -> String {
        let answer = self.try_poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text().to_owned()
    }

    /// Sends a poll, which the server has read then: a push on the other connection does not overtake it.
    #[track_caller]
    pub fn start_poll(&mut self) {
        self.polls.send("GET", &self.target, "", "");
        self.polls.wire().wait_until_read();
    }

    /// Reads the answer of the poll that was sent.
    #[track_caller]
    pub fn finish_poll(&mut self) -> Response {
        self.polls.response()
    }

    /// Polls until `count` packets came, and gives them.
    #[track_caller]
    pub fn poll_packets(&mut self, count: usize) -> Vec<String> {
        let mut packets = Vec::new();
        while packets.len() < count {
            packets.extend(self.poll().split('\x1e').map(str::to_owned));
        }
        packets
    }

    /// A round trip through the session: everything sent before has been handled.
    #[track_caller]
    pub fn fence(&mut self) {
        self.push(r#"42999["fence"]"#);
        assert_eq!(self.poll(), "43999[]");
    }

    /// The session is gone: a poll gets 400 with code 1.
    #[track_caller]
    pub fn expect_unknown(&mut self) {
        // Refusals may close the connection, so this comes on one of its own.
        let answer = self.pushes.get(&self.target);
        answer.expect(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}
