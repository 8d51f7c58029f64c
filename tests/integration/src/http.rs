//! A client that writes literal HTTP/1.1 requests.

use std::net::SocketAddr;

use crate::server::Server;
use crate::wire::Wire;

/// A parsed response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Body without transfer coding.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header with this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and body are these.
    #[track_caller]
    pub fn expect(&self, status: u16, body: &str) -> &Self {
        assert_eq!((self.status, self.text()), (status, body), "{self:?}");
        self
    }

    /// A header has this value.
    #[track_caller]
    pub fn expect_header(&self, name: &str, value: &str) -> &Self {
        assert_eq!(self.header(name), Some(value), "{name} of {self:?}");
        self
    }

    /// A header is absent.
    #[track_caller]
    pub fn expect_no_header(&self, name: &str) -> &Self {
        assert_eq!(self.header(name), None, "{name} of {self:?}");
        self
    }
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Http {
    wire: Wire,
}

impl Http {
    /// Connects.
    pub fn connect(server: &Server) -> Self {
        Self::connect_to(server.address())
    }

    /// Connects to a server of another process.
    pub fn connect_to(address: SocketAddr) -> Self {
        Self { wire: Wire::connect_to(address) }
    }

    /// A client on a connection that is there.
    pub const fn over(wire: Wire) -> Self {
        Self { wire }
    }

    /// The connection below.
    pub const fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The connection below, for what comes after a 101 or for dropping it.
    pub fn into_wire(self) -> Wire {
        self.wire
    }

    /// Writes bytes as they are.
    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.write(bytes);
    }

    /// Writes a request; `headers` are whole lines, each with its line end.
    #[track_caller]
    pub fn send(&mut self, method: &str, target: &str, headers: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}").into_bytes();
        if !body.is_empty() || method == "POST" {
            request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.wire.write(request);
    }

    /// A request and its response.
    #[track_caller]
    pub fn request(&mut self, method: &str, target: &str) -> Response {
        self.send(method, target, "", "");
        self.respond(method == "HEAD")
    }

    /// `GET target`.
    #[track_caller]
    pub fn get(&mut self, target: &str) -> Response {
        self.request("GET", target)
    }

    /// `POST target` with a text body.
    #[track_caller]
    pub fn post(&mut self, target: &str, body: impl AsRef<[u8]>) -> Response {
        self.send("POST", target, "Content-Type: text/plain;charset=UTF-8\r\n", body);
        self.response()
    }

    /// Reads a response.
    #[track_caller]
    pub fn response(&mut self) -> Response {
        self.respond(false)
    }

    /// Reads a response; that to HEAD has no body whatever its headers say.
    #[track_caller]
    fn respond(&mut self, head_only: bool) -> Response {
        let head =
            self.wire.take_when("response head", |input| find(input, b"\r\n\r\n").map(|at| at + 4));
        let mut response = parse_head(&head);
        let bodiless = head_only || response.status < 200 || matches!(response.status, 204 | 304);
        if bodiless {
            return response;
        }
        response.body = if response.header("transfer-encoding") == Some("chunked") {
            self.chunked_body()
        } else {
            match response.header("content-length") {
                Some(length) => self.wire.take(length.parse().unwrap()),
                None => self.wire.take_to_end(),
            }
        };
        response
    }

    #[track_caller]
    fn chunked_body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line =
                self.wire.take_when("chunk size", |input| find(input, b"\r\n").map(|at| at + 2));
            let line = std::str::from_utf8(&line).unwrap().trim();
            let length = usize::from_str_radix(line, 16).unwrap();
            let chunk = self.wire.take(length + 2);
            body.extend_from_slice(&chunk[..length]);
            if length == 0 {
                return body;
            }
        }
    }
}

fn find(input: &[u8], pattern: &[u8]) -> Option<usize> {
    input.windows(pattern.len()).position(|window| window == pattern)
}

fn parse_head(head: &[u8]) -> Response {
    let head = std::str::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    Response { status, headers, body: Vec::new() }
}
