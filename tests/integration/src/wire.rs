//! A TCP connection with deadlines and a memory of what went over it.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::server::Server;

/// How long a test waits for what must come.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// How long nothing comes where nothing should.
const SILENCE: Duration = Duration::from_millis(200);
/// Bytes of one write or read that the log shows.
const SHOWN: usize = 400;
/// Writes and reads that a failure shows.
const SHOWN_LINES: usize = 40;

/// A raw connection to the server.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
    log: String,
}

/// More than a test server has threads.
const THREADS: usize = 3;

impl Wire {
    /// A round trip with each of the server's threads, on connections of their own: afterwards what was sent here
    /// before has been read, whichever thread this connection has.
    #[track_caller]
    pub fn wait_until_read(&self) {
        for _ in 0..THREADS {
            let mut stream = TcpStream::connect(self.stream.peer_addr().unwrap()).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            let request = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(request).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
        }
    }

    /// Connects.
    pub fn connect(server: &Server) -> Self {
        Self::connect_to(server.address())
    }

    /// Connects to a server of another process.
    pub fn connect_to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream, input: Vec::new(), log: String::new() }
    }

    /// Connects to a server from an address of this machine.
    pub fn connect_from(local: IpAddr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(local, 0).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream, input: Vec::new(), log: String::new() }
    }

    /// Writes bytes as they are.
    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let written = self.try_write(bytes);
        if let Err(error) = written {
            self.fail(&format!("cannot write: {error}"));
        }
    }

    /// Writes bytes to a peer that may be gone already.
    ///
    /// # Errors
    ///
    /// The peer is gone.
    pub fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.note('>', bytes.as_ref());
        self.stream.write_all(bytes.as_ref())
    }

    /// Changes how long a write may take, for tests in which the peer is not to read.
    pub fn set_write_timeout(&self, timeout: Duration) {
        self.stream.set_write_timeout(Some(timeout)).unwrap();
    }

    /// Ends the connection without a word.
    pub fn drop_connection(self) {
        // The stream closes with its owner; what the peer sent last may be unread, which resets.
        drop(self);
    }

    /// Ends the connection by a reset, which overtakes what was written before.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Nothing comes for a moment.
    #[track_caller]
    pub fn expect_silence(&mut self) {
        match self.read_more(Instant::now() + SILENCE) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            other => self.fail(&format!("not silent: {other:?}")),
        }
    }

    /// Closes the sending half.
    pub fn finish_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// What was read and not yet consumed.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Reads until `end` finds the length of a whole unit in the input, and takes that unit.
    #[track_caller]
    pub fn take_when(
        &mut self,
        what: &str,
        mut end: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Vec<u8> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(length) = end(&self.input) {
                return self.input.drain(..length).collect();
            }
            match self.read_more(deadline) {
                Ok(0) => self.fail(&format!("the connection ended instead of {what}")),
                Ok(_) => {}
                Err(error) => self.fail(&format!("no {what}: {error}")),
            }
        }
    }

    /// Takes exactly `length` bytes.
    #[track_caller]
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        self.take_when(&format!("{length} bytes"), |input| {
            (input.len() >= length).then_some(length)
        })
    }

    /// Reads until the peer closes and gives the rest.
    #[track_caller]
    pub fn take_to_end(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.read_more(deadline) {
                Ok(0) => return std::mem::take(&mut self.input),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return std::mem::take(&mut self.input);
                }
                Err(error) => self.fail(&format!("the connection did not end: {error}")),
            }
        }
    }

    /// The peer closes the connection and says nothing more.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let rest = self.take_to_end();
        if !rest.is_empty() {
            self.fail(&format!("{} bytes before the end", rest.len()));
        }
    }

    /// One read into the input; `Ok(0)` is the end of the stream.
    fn read_more(&mut self, deadline: Instant) -> std::io::Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut chunk = [0; 65_536];
        let read = loop {
            match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read == 0 {
            self.log.push_str("< (end)\n");
        } else {
            self.note('<', &chunk[..read]);
            self.input.extend_from_slice(&chunk[..read]);
        }
        Ok(read)
    }

    fn note(&mut self, direction: char, bytes: &[u8]) {
        let shown = bytes[..bytes.len().min(SHOWN)].escape_ascii();
        let more = bytes.len().saturating_sub(SHOWN);
        write!(self.log, "{direction} {shown}").unwrap();
        if more > 0 {
            write!(self.log, " … {more} bytes more").unwrap();
        }
        self.log.push('\n');
    }

    /// Fails the test with what was exchanged.
    #[track_caller]
    pub fn fail(&self, what: &str) -> ! {
        let lines: Vec<&str> = self.log.lines().collect();
        let (cut, shown) = lines.split_at(lines.len().saturating_sub(SHOWN_LINES));
        let shown = shown.join("\n");
        panic!("{what}\nexchanged so far ({} earlier):\n{shown}", cut.len());
    }
}
