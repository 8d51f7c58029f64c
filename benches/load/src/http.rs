//! HTTP/1.1 as a client writes and reads it, as far as polling and the opening of a WebSocket need it.

use std::borrow::Cow;

/// The key of every WebSocket, and what a server makes of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// No head of an answer comes near it.
const LONGEST_HEAD: usize = 16 * 1024;

/// An answer, and how many bytes it took.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: Cow<'a, [u8]>,
    pub(crate) length: usize,
}

/// The requests of one server's clients.
#[derive(Debug)]
pub(crate) struct Requests {
    host: String,
}

impl Requests {
    pub(crate) fn new(address: std::net::SocketAddr) -> Self {
        Self { host: address.to_string() }
    }

    /// The opening of a WebSocket; of an upgrade if there is a session already.
    pub(crate) fn websocket(&self, sid: &str) -> Vec<u8> {
        let more = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {KEY}\r\nOrigin: http://{}\r\n",
            self.host
        );
        self.request("GET", "websocket", sid, &more).into_bytes()
    }

    /// A poll; the handshake if there is no session yet.
    pub(crate) fn poll(&self, sid: &str) -> Vec<u8> {
        self.request("GET", "polling", sid, "Accept: */*\r\n").into_bytes()
    }

    pub(crate) fn push(&self, sid: &str, body: &[u8]) -> Vec<u8> {
        let more = format!(
            "Accept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n",
            body.len()
        );
        let mut request = self.request("POST", "polling", sid, &more).into_bytes();
        request.extend_from_slice(body);
        request
    }

    fn request(&self, method: &str, transport: &str, sid: &str, more: &str) -> String {
        let (name, host) = (if sid.is_empty() { "" } else { "&sid=" }, &self.host);
        format!(
            "{method} /socket.io/?EIO=4&transport={transport}{name}{sid} HTTP/1.1\r\n\
             Host: {host}\r\n{more}\r\n"
        )
    }
}

/// The length of the head that says yes to a WebSocket, if all of it is there.
pub(crate) fn switched(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(head) = Head::read(bytes)? else { return Ok(None) };
    if head.status != 101 || head.field("sec-websocket-accept") != Some(ACCEPT) {
        return Err(format!("no WebSocket: {}", head.text.lines().next().unwrap_or_default()));
    }
    Ok(Some(head.length()))
}

/// The answer at the beginning of `bytes`, if all of it is there.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Response<'_>>, String> {
    let Some(head) = Head::read(bytes)? else { return Ok(None) };
    let status = head.status;
    let start = head.length();
    let rest = bytes.get(start..).unwrap_or_default();
    if head.field("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        let Some((body, length)) = chunks(rest)? else { return Ok(None) };
        return Ok(Some(Response { status, body: body.into(), length: start + length }));
    }
    let length = match head.field("content-length").map(str::parse) {
        Some(Ok(length)) => length,
        None => 0,
        Some(Err(_)) => return Err("an answer with an unreadable length".to_owned()),
    };
    let Some(body) = rest.get(..length) else { return Ok(None) };
    Ok(Some(Response { status, body: body.into(), length: start + length }))
}

struct Head<'a> {
    status: u16,
    /// Without the empty line.
    text: &'a str,
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> Result<Option<Self>, String> {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            let long = bytes.len() > LONGEST_HEAD;
            return if long { Err("an answer without an end".to_owned()) } else { Ok(None) };
        };
        let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok());
        let text = text.ok_or("an answer whose head is no text")?;
        let status = text.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3)?.parse().ok());
        Ok(Some(Self { status: status.ok_or("an answer without a status")?, text }))
    }

    const fn length(&self) -> usize {
        self.text.len() + 4
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.text.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A chunked body, and the bytes it took.
fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = find(rest, b"\r\n") else { return Ok(None) };
        let line = rest.get(..end).and_then(|line| std::str::from_utf8(line).ok());
        let size = line.and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let size = size.ok_or("a chunk without a size")?;
        let Some(chunk) = rest.get(end + 2..).and_then(|rest| rest.get(..size + 2)) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk.get(..size).unwrap_or_default());
        at += end + 2 + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// Where `wanted` begins.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_make_no_sense_are_refused() {
        assert!(decode(b"SMTP ready\r\n\r\n").is_err());
        assert!(decode(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n").is_err());
        assert!(decode(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n").is_err());
        assert!(decode(&[b'x'; LONGEST_HEAD + 1]).is_err());
        assert!(switched(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_err());
        assert!(switched(b"HTTP/1.1 101 Go\r\nSec-WebSocket-Accept: wrong\r\n\r\n").is_err());
    }

    #[test]
    fn an_answer_is_found_when_all_of_it_is_there() {
        let fixed = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nok";
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n";
        for bytes in [&fixed[..], &chunked[..]] {
            for cut in 0..bytes.len() {
                assert_eq!(decode(&bytes[..cut]), Ok(None));
            }
            let more = [bytes, b"HTTP"].concat();
            let found = decode(&more).unwrap().unwrap();
            assert_eq!((found.status, &*found.body, found.length), (200, &b"ok"[..], bytes.len()));
        }
    }
}
