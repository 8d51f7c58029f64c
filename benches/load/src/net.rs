//! Connections on one thread: what is readable is read and cut into frames and answers.
//!
//! Knows bytes, not Socket.IO. Nothing here waits but [`Net::run`].

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::event::Event as Ready;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{http, websocket};

/// Clients come from this many addresses: one has about 28,000 ports, and a closed one stays taken for a minute.
const SOURCES: u8 = 8;
const SCRATCH: usize = 512 * 1024;
/// Kept by a connection that has nothing to do.
const KEPT: usize = 4 * 1024;
/// How often [`Net::run`] looks whether it is done while nothing happens.
const LOOK: Duration = Duration::from_millis(50);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Websocket,
    Poll,
    Push,
}

/// What its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    /// Until the answer to the opening of a WebSocket.
    Opening,
    Frames,
    Http,
    /// What still comes is not looked at.
    Over,
}

#[derive(Debug)]
struct Link {
    stream: TcpStream,
    client: usize,
    role: Role,
    wire: Wire,
    connected: bool,
    /// The beginning of a frame or an answer.
    input: Vec<u8>,
    output: Vec<u8>,
    /// How much of `output` has left.
    sent: usize,
    wants_to_write: bool,
    /// A message in several frames, so far.
    fragments: Vec<u8>,
    fragments_are_text: bool,
}

/// Where an event comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) link: usize,
    pub(crate) client: usize,
    pub(crate) role: Role,
    /// When its bytes were read, in nanoseconds since the start.
    pub(crate) now: u64,
}

/// What happens on a connection.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    Connected,
    /// It is a WebSocket from here on.
    Switched,
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Response(u16, &'a [u8]),
    /// Over, and why; the last event.
    Closed(String),
}

pub(crate) trait Handler {
    fn on_event(&mut self, net: &mut Net, at: At, event: Event<'_>);
}

#[derive(Debug)]
pub(crate) struct Net {
    poll: Poll,
    links: Slab<Link>,
    server: SocketAddr,
    sources: u8,
    start: Instant,
    /// Links with output since the last flush.
    unsent: Vec<usize>,
    pub(crate) reads: u64,
}

impl Net {
    pub(crate) fn new(server: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            links: Slab::new(),
            server,
            sources: 0,
            start: Instant::now(),
            unsent: Vec::new(),
            reads: 0,
        })
    }

    /// Nanoseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Begins to connect; [`Event::Connected`] follows.
    pub(crate) fn open(&mut self, client: usize, role: Role) -> io::Result<usize> {
        let socket =
            Socket::new(Domain::for_address(self.server), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if self.server.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) && cfg!(target_os = "linux") {
            let source = Ipv4Addr::new(127, 0, 0, 2 + self.sources);
            self.sources = (self.sources + 1) % SOURCES;
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        match socket.connect(&self.server.into()) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => {}
            Err(e) => return Err(e),
        }
        let mut stream = TcpStream::from_std(socket.into());
        let entry = self.links.vacant_entry();
        let link = entry.key();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(link), both)?;
        entry.insert(Link {
            stream,
            client,
            role,
            wire: if role == Role::Websocket { Wire::Opening } else { Wire::Http },
            connected: false,
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            wants_to_write: true,
            fragments: Vec::new(),
            fragments_are_text: false,
        });
        Ok(link)
    }

    /// Closes it without an event.
    pub(crate) fn close(&mut self, link: usize) {
        if let Some(mut link) = self.links.try_remove(link) {
            // It goes with its descriptor at the latest.
            drop(self.poll.registry().deregister(&mut link.stream));
        }
    }

    pub(crate) fn close_all(&mut self) {
        self.links.clear();
    }

    /// Queues bytes; they leave when the events of one connection are through.
    pub(crate) fn send(&mut self, link: usize, bytes: &[u8]) {
        if let Some(to) = self.links.get_mut(link) {
            if to.output.is_empty() {
                self.unsent.push(link);
            }
            to.output.extend_from_slice(bytes);
        }
    }

    pub(crate) fn flush(&mut self) {
        while let Some(link) = self.unsent.pop() {
            self.write(link);
        }
    }

    /// Serves all connections until `is_done` says so, which it answers with true, or until the time is over.
    pub(crate) fn run<H: Handler>(
        &mut self,
        handler: &mut H,
        time: Duration,
        mut is_done: impl FnMut(&mut H, &mut Self) -> bool,
    ) -> io::Result<bool> {
        let end = self.start.elapsed() + time;
        let mut events = Events::with_capacity(1024);
        let mut scratch = vec![0; SCRATCH];
        loop {
            self.flush();
            if is_done(handler, self) {
                return Ok(true);
            }
            let Some(left) = end.checked_sub(self.start.elapsed()).filter(|left| !left.is_zero())
            else {
                return Ok(false);
            };
            match self.poll.poll(&mut events, Some(left.min(LOOK))) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for ready in &events {
                self.on_ready(handler, ready, &mut scratch);
                self.flush();
            }
        }
    }

    fn on_ready<H: Handler>(&mut self, handler: &mut H, ready: &Ready, scratch: &mut [u8]) {
        let id = ready.token().0;
        let Some(link) = self.links.get_mut(id) else { return };
        if ready.is_writable() {
            if link.connected {
                self.write(id);
            } else {
                match link.stream.take_error() {
                    Ok(None) if link.stream.peer_addr().is_ok() => {
                        link.connected = true;
                        self.tell(handler, id, Event::Connected);
                        self.write(id);
                    }
                    Ok(None) => {}
                    Ok(Some(e)) | Err(e) => return self.over(handler, id, format!("connect: {e}")),
                }
            }
        }
        if ready.is_readable() || ready.is_read_closed() || ready.is_error() {
            self.read(handler, id, ready.is_read_closed(), scratch);
        }
    }

    /// Reads all there is. A short read was the last one, unless the end follows it.
    fn read<H: Handler>(&mut self, handler: &mut H, id: usize, ends: bool, scratch: &mut [u8]) {
        loop {
            let Some(link) = self.links.get_mut(id) else { return };
            match link.stream.read(scratch) {
                Ok(0) => return self.over(handler, id, "the end of the connection".to_owned()),
                Ok(length) => {
                    self.reads += 1;
                    self.take(handler, id, scratch.get(..length).unwrap_or_default());
                    if length < scratch.len() && !ends {
                        return;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return self.over(handler, id, e.to_string()),
            }
        }
    }

    /// New bytes; what is not whole yet waits in the link.
    fn take<H: Handler>(&mut self, handler: &mut H, id: usize, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(id) else { return };
        if link.input.is_empty() {
            let used = self.decode(handler, id, bytes);
            if let Some(link) = self.links.get_mut(id) {
                link.input.extend_from_slice(bytes.get(used..).unwrap_or_default());
            }
            return;
        }
        let mut input = std::mem::take(&mut link.input);
        input.extend_from_slice(bytes);
        let used = self.decode(handler, id, &input);
        if let Some(link) = self.links.get_mut(id) {
            input.drain(..used);
            if !input.is_empty() || input.capacity() <= KEPT {
                link.input = input;
            }
        }
    }

    /// Tells of every frame and answer that is whole; how many bytes they took.
    fn decode<H: Handler>(&mut self, handler: &mut H, id: usize, bytes: &[u8]) -> usize {
        let mut used = 0;
        loop {
            let Some(link) = self.links.get(id) else { return bytes.len() };
            let rest = bytes.get(used..).unwrap_or_default();
            if rest.is_empty() {
                return used;
            }
            let step = match link.wire {
                Wire::Over => return bytes.len(),
                Wire::Opening => self.opening(handler, id, rest),
                Wire::Frames => self.frame(handler, id, rest),
                Wire::Http => http::decode(rest).map(|found| {
                    found.map(|response| {
                        let event = Event::Response(response.status, &response.body);
                        self.tell(handler, id, event);
                        response.length
                    })
                }),
            };
            match step {
                Ok(Some(length)) => used += length,
                Ok(None) => return used,
                Err(why) => {
                    self.over(handler, id, why);
                    return bytes.len();
                }
            }
        }
    }

    fn opening<H: Handler>(
        &mut self,
        handler: &mut H,
        id: usize,
        bytes: &[u8],
    ) -> Result<Option<usize>, String> {
        let head = http::switched(bytes)?;
        if let Some(link) = self.links.get_mut(id).filter(|_| head.is_some()) {
            link.wire = Wire::Frames;
            self.tell(handler, id, Event::Switched);
        }
        Ok(head)
    }

    fn frame<H: Handler>(
        &mut self,
        handler: &mut H,
        id: usize,
        bytes: &[u8],
    ) -> Result<Option<usize>, String> {
        let Some(frame) = websocket::decode(bytes)? else { return Ok(None) };
        let Some(link) = self.links.get_mut(id) else { return Ok(None) };
        let payload = bytes.get(frame.payload.clone()).unwrap_or_default();
        match frame.opcode {
            websocket::TEXT if frame.last => self.tell(handler, id, Event::Text(payload)),
            websocket::BINARY if frame.last => self.tell(handler, id, Event::Binary(payload)),
            opcode @ (websocket::TEXT | websocket::BINARY | websocket::CONTINUATION) => {
                if opcode != websocket::CONTINUATION {
                    link.fragments.clear();
                    link.fragments_are_text = opcode == websocket::TEXT;
                }
                link.fragments.extend_from_slice(payload);
                if frame.last {
                    let whole = std::mem::take(&mut link.fragments);
                    let is_text = link.fragments_are_text;
                    let event = if is_text { Event::Text(&whole) } else { Event::Binary(&whole) };
                    self.tell(handler, id, event);
                }
            }
            websocket::CLOSE => return Err("a close frame".to_owned()),
            websocket::PING => self.send(id, &websocket::frame(websocket::PONG, payload)),
            websocket::PONG => {}
            other => return Err(format!("a frame with opcode {other}")),
        }
        Ok(Some(frame.payload.end))
    }

    fn tell<H: Handler>(&mut self, handler: &mut H, link: usize, event: Event<'_>) {
        let now = self.now();
        if let Some(&Link { client, role, .. }) = self.links.get(link) {
            handler.on_event(self, At { link, client, role, now }, event);
        }
    }

    fn over<H: Handler>(&mut self, handler: &mut H, id: usize, why: String) {
        if let Some(link) = self.links.get_mut(id) {
            let told = link.wire == Wire::Over;
            link.wire = Wire::Over;
            if !told {
                self.tell(handler, id, Event::Closed(why));
            }
        }
        self.close(id);
    }

    fn write(&mut self, id: usize) {
        let Some(link) = self.links.get_mut(id).filter(|link| link.connected) else { return };
        let stops = loop {
            let rest = link.output.get(link.sent..).unwrap_or_default();
            if rest.is_empty() {
                break false;
            }
            match link.stream.write(rest) {
                Ok(length) => link.sent += length,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => break true,
                // Reading will say why.
                Err(_) => break false,
            }
        };
        if !stops {
            link.output.clear();
            link.sent = 0;
            if link.output.capacity() > 16 * KEPT {
                link.output = Vec::new();
            }
        }
        if link.wants_to_write != stops {
            link.wants_to_write = stops;
            let both = Interest::READABLE | Interest::WRITABLE;
            let interest = if stops { both } else { Interest::READABLE };
            // The descriptor is registered as long as the link lives.
            drop(self.poll.registry().reregister(&mut link.stream, Token(id), interest));
        }
    }
}
