//! A polling session of revision 3: packets with their lengths, or the binary form.

use crate::http::{Http, Response};
use crate::polling::sid_of;
use crate::server::Server;

/// A session on long-polling of Engine.IO 3.
#[derive(Debug)]
pub struct Legacy {
    /// Connection of the polls.
    pub polls: Http,
    /// Connection of the pushes.
    pub pushes: Http,
    sid: String,
    target: String,
}

impl Legacy {
    /// Opens a session; `extra` is appended to the query of every request.
    #[track_caller]
    pub fn open(server: &Server, extra: &str) -> Self {
        let mut polls = Http::connect(server);
        let answer = polls.get(&format!("/socket.io/?EIO=3&transport=polling{extra}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.expect_header("content-type", "text/plain; charset=UTF-8");
        let sid = sid_of(answer.text());
        let target = format!("/socket.io/?EIO=3&transport=polling{extra}&sid={sid}");
        Self { polls, pushes: Http::connect(server), sid, target }
    }

    /// Opens a session and reads that it is in `/`.
    #[track_caller]
    pub fn joined(server: &Server, extra: &str) -> Self {
        let mut session = Self::open(server, extra);
        assert_eq!(session.poll(), "2:40");
        session
    }

    /// The session id.
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// Path and query of polls and pushes.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The query of a WebSocket for this session.
    pub fn websocket(&self) -> String {
        format!("/socket.io/?EIO=3&transport=websocket&sid={}", self.sid)
    }

    /// Pushes a payload and gives the response.
    #[track_caller]
    pub fn try_push(&mut self, payload: impl AsRef<[u8]>) -> Response {
        self.pushes.post(&self.target, payload)
    }

    /// Pushes a payload of the binary form and gives the response.
    #[track_caller]
    pub fn try_push_binary(&mut self, payload: impl AsRef<[u8]>) -> Response {
        let kind = "Content-Type: application/octet-stream\r\n";
        self.pushes.send("POST", &self.target, kind, payload);
        self.pushes.response()
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

    /// Polls a payload in its text form.
    #[track_caller]
    pub fn poll(&mut self) -> String {
        let answer = self.try_poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.expect_header("content-type", "text/plain; charset=UTF-8");
        answer.text().to_owned()
    }

    /// Polls a payload in its binary form.
    #[track_caller]
    pub fn poll_binary(&mut self) -> Vec<u8> {
        let answer = self.try_poll();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.expect_header("content-type", "application/octet-stream");
        answer.body
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

    /// A round trip through the session: everything sent before has been handled, and nothing else came.
    #[track_caller]
    pub fn fence(&mut self) {
        self.push(r#"14:42999["fence"]"#);
        assert_eq!(self.poll(), "7:43999[]");
    }

    /// The session is gone: a poll gets 400 with code 1.
    #[track_caller]
    pub fn expect_unknown(&self, server: &Server) {
        let answer = Http::connect(server).get(&self.target);
        answer.expect(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}
