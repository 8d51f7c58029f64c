//! What one WebSocket does in its turn, whoever moves its bytes.
//!
//! A carrier gives what came in, writes what a turn said, and asks what follows. Nothing here waits for the
//! network, and no buffer lives longer than the turn, but for a message that has not come completely.

use std::cell::RefCell;
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sio_core::budget::Share;
use sio_core::close::CloseReason;
use sio_core::engine::websocket::put_frame;
use sio_core::engine::{ProbeReply, Revision, Wire};
use sio_core::frame::Frame;
use sio_core::limits::Limit;
use sio_core::server::{Connection, Outlet, Turn, Worker};
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use super::codec::{self, Message, Opcode, Parser, SCRATCH_KEPT, Violation};

/// The answer to a probe (Engine.IO 4, "upgrade").
const PROBE_PONG: Frame = Frame::constant("3probe");
/// Close code of a server that shuts down.
const GOING_AWAY: u16 = 1001;
/// Close code of a server that has no room at the moment.
const TRY_AGAIN_LATER: u16 = 1013;
/// Bytes of pongs that leave with one turn.
const MAX_PONGS: usize = 256;
/// Between the open packet or the answer to a CONNECT and what follows in the same turn: a client that begins
/// to listen for the next only once it has seen one would miss it if both came in one read.
const PAUSE: Duration = Duration::from_millis(5);

thread_local! {
    /// Where frames are unmasked; one per thread is enough, for a turn never waits.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What the WebSocket is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    /// It carries the session.
    Session,
    /// It is tried for a session on polling; `base64` holds once the session is on it.
    Probe { base64: bool, deflate: bool },
}

/// How the input ended.
#[derive(Debug)]
enum End {
    /// The connection is gone.
    Lost,
    /// A close frame came; the answer carries its code.
    Closed(Option<u16>),
    /// The peer broke the protocol.
    Violated(Box<(u16, &'static str)>),
}

/// Where the bytes of a WebSocket come from.
pub(super) trait Input {
    /// What came and was not used, never empty; `None`: the connection is gone.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<&[u8]>>;

    /// So much of the last chunk was used.
    fn consume(&mut self, used: usize);
}

/// What follows the bytes of a turn.
pub(super) enum Next {
    /// These bytes; then ask again.
    Write(Bytes),
    /// The end of the connection, after these bytes.
    End(Bytes),
    /// Another turn.
    Turn,
    /// Another turn, when others have had theirs.
    Yield,
    /// Nothing until the input or the session wakes the task.
    Wait,
}

/// One WebSocket: its session, and what of its frames is unfinished.
pub(super) struct Protocol {
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    parser: Parser,
    /// The part of an unfinished message in what all clients may leave unfinished.
    unfinished: Share,
    mode: Mode,
    end: Option<End>,
    /// Answers to pings, as they go on the wire with this turn or the next.
    pongs: Option<Box<BytesMut>>,
    /// `3probe` has to be sent.
    probe_pong: bool,
    /// Others get their turn before this connection reads on.
    yields: bool,
    /// What comes next leaves in a write of its own, late enough to be read by itself.
    pause: Option<Pin<Box<Sleep>>>,
    finished: bool,
    /// Messages are those of the application, not engine packets.
    #[cfg(feature = "internals")]
    bare: bool,
}

impl Protocol {
    pub(super) fn new(
        worker: Rc<Worker>,
        connection: Rc<Connection>,
        mode: Mode,
        deflate: bool,
    ) -> Self {
        let parser = Parser::new(worker.hub().limits().max_payload, deflate);
        // Clients of revision 3 are known that listen for the open packet only once they have seen the 101.
        let early = matches!(mode, Mode::Session) && connection.handle().revision() == Revision::V3;
        let pause = early.then(|| Box::pin(sleep(PAUSE)));
        Self {
            worker,
            connection,
            parser,
            unfinished: Share::default(),
            mode,
            end: None,
            pongs: None,
            probe_pong: false,
            yields: false,
            pause,
            finished: false,
            #[cfg(feature = "internals")]
            bare: false,
        }
    }

    /// The same without Engine.IO.
    #[cfg(feature = "internals")]
    pub(super) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The last bytes were handed out.
    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// The session has no use for the connection any more.
    pub(super) fn is_over(&self) -> bool {
        self.finished || self.session_is_over()
    }

    /// How long the peer may take nothing; zero: as long as it likes.
    pub(super) fn write_timeout(&self) -> Duration {
        self.worker.hub().limits().write_timeout
    }

    /// The peer takes nothing: the session ends for that reason.
    pub(super) fn stalled(&mut self) {
        if !self.finished {
            self.finish(CloseReason::TransportError("the peer takes nothing"));
        }
    }

    /// As [`Self::stalled`], after [`Self::write_timeout`].
    pub(super) fn stalled_too_long(&mut self) {
        self.worker.hub().count_limit(Limit::WriteTimeout);
        self.stalled();
    }

    /// The server closes.
    pub(super) fn is_server_closing(&self) -> bool {
        self.worker.hub().is_closing()
    }

    /// Ready when there may be another turn, after what [`Self::next`] gives.
    pub(super) fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// Reads what came, runs its handlers, and gives everything they said, to be written at once. The buffer
    /// goes back with [`Self::keep_buffer`].
    ///
    /// What was given last must have been written before.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>, input: &mut impl Input) -> BytesMut {
        self.worker.catch_up();
        let turn = Turn::begin(&self.worker);
        if matches!(self.mode, Mode::Session) {
            self.worker.begin_turn(&self.connection);
        }
        // User code runs while frames are read: the scratch must not be borrowed meanwhile.
        let mut scratch = SCRATCH.take();
        self.read(cx, input, &mut scratch, turn);
        let budget = self.worker.hub().pending_input();
        if self.unfinished.hold(budget, self.parser.unfinished()).is_err() && self.end.is_none() {
            self.worker.hub().count_limit(Limit::MaxPendingInput);
            self.end =
                Some(End::Violated(Box::new((TRY_AGAIN_LATER, "too much unfinished input"))));
        }
        if scratch.capacity() <= SCRATCH_KEPT {
            SCRATCH.set(scratch);
        }
        let mut bytes = BytesMut::new();
        if matches!(self.mode, Mode::Session) {
            bytes = self.worker.end_turn(&self.connection);
            if self.connection.waits_for_write() {
                self.pause = Some(Box::pin(sleep(PAUSE)));
            }
        }
        if std::mem::take(&mut self.probe_pong) {
            // It came before the session was on this WebSocket.
            let said = bytes.split();
            put_frame(&mut bytes, &PROBE_PONG, Wire::V4);
            bytes.extend_from_slice(&said);
        }
        // The packet that ends this write is to be the last of it, and the open packet the first of all.
        if let Some(pongs) = self.pongs.take_if(|_| self.pause.is_none()) {
            let said = bytes.split();
            bytes.extend_from_slice(&pongs);
            bytes.extend_from_slice(&said);
        }
        bytes
    }

    /// What a turn would give if nothing came and all that is to be said is one packet of a broadcast: then its
    /// bytes are shared with all other receivers. `None`: take a [`Self::turn`].
    ///
    /// What was given last must have been written before.
    pub(super) fn ready(&mut self, cx: &mut Context<'_>, input: &mut impl Input) -> Option<Bytes> {
        let plain = matches!(self.mode, Mode::Session) && self.end.is_none();
        if !plain || !self.connection.has_output() || input.poll_chunk(cx).is_ready() {
            return None;
        }
        self.worker.take_ready(&self.connection)
    }

    /// Lets the worker write between the turns.
    pub(super) fn set_outlet(&self, outlet: Weak<dyn Outlet>) {
        self.connection.set_outlet(outlet);
    }

    /// Takes the buffer of a turn back.
    pub(super) fn keep_buffer(&self, buffer: BytesMut) {
        self.worker.keep_buffer(buffer);
    }

    /// What follows when the bytes of the last turn are written; `slice` is how much of a large frame is
    /// taken at once.
    pub(super) fn next(&mut self, cx: &mut Context<'_>, slice: usize) -> Next {
        if let Some(slice) = self.connection.next_slice(slice) {
            return Next::Write(slice);
        }
        let more = matches!(self.mode, Mode::Session) && self.connection.has_output();
        if self.pause.is_some() || more {
            return Next::Turn;
        }
        if let Some(last) = self.ending() {
            return Next::End(last);
        }
        if std::mem::take(&mut self.yields) {
            return Next::Yield;
        }
        self.connection.set_waiting(cx.waker());
        Next::Wait
    }

    /// Reads and handles messages until input, patience or the session's readiness runs out.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut impl Input,
        scratch: &mut Vec<u8>,
        mut turn: Turn,
    ) {
        let mut is_over = false;
        while self.takes_input() {
            let chunk = match input.poll_chunk(cx) {
                Poll::Ready(Some(chunk)) => chunk,
                Poll::Ready(None) => {
                    self.end = Some(End::Lost);
                    return;
                }
                Poll::Pending => return,
            };
            let mut rest = chunk;
            loop {
                if is_over {
                    self.yields = true;
                    break;
                }
                match self.parser.next(&mut rest, scratch) {
                    Ok(Some(message)) => {
                        let bytes = message.len();
                        self.receive(message);
                        is_over = turn.is_over_after(&self.worker, bytes);
                    }
                    Ok(None) => break,
                    Err(violation) => self.violated(&violation),
                }
                if rest.is_empty() || !self.takes_input() {
                    break;
                }
            }
            let used = chunk.len() - rest.len();
            input.consume(used);
            if self.yields {
                return;
            }
        }
    }

    fn takes_input(&self) -> bool {
        self.end.is_none()
            && match self.mode {
                Mode::Session => self.worker.takes_frames(&self.connection),
                Mode::Probe { .. } => self.connection.is_probing(),
            }
    }

    fn receive(&mut self, message: Message<'_>) {
        match (message, self.mode) {
            #[cfg(feature = "internals")]
            (Message::Text(text), Mode::Session) if self.bare => {
                self.worker.receive_bare_text(&self.connection, text);
            }
            (Message::Text(text), Mode::Session) => {
                self.worker.receive_text(&self.connection, text);
            }
            (Message::Binary(bytes), Mode::Session) => {
                self.worker.receive_binary(&self.connection, bytes);
            }
            (Message::Text(text), Mode::Probe { base64, deflate }) => {
                match self.worker.probe_frame(&self.connection, text, base64, deflate) {
                    ProbeReply::Pong => self.probe_pong = true,
                    ProbeReply::Upgraded => {
                        self.mode = Mode::Session;
                        self.worker.begin_turn(&self.connection);
                    }
                    ProbeReply::Refused => self.end = Some(End::Closed(None)),
                }
            }
            (Message::Binary(_), Mode::Probe { .. }) => self.end = Some(End::Closed(None)),
            (Message::Ping(payload), _) => self.answer_ping(payload),
            (Message::Pong, _) => {}
            (Message::Close(frame), _) => {
                self.end = Some(End::Closed(frame.map(|frame| frame.code)));
            }
        }
    }

    /// Pings beyond a bound leave only the newest to be answered (RFC 6455 section 5.5.3).
    fn answer_ping(&mut self, payload: &[u8]) {
        let pongs = self.pongs.get_or_insert_default();
        if pongs.len() + payload.len() > MAX_PONGS {
            pongs.clear();
        }
        codec::put_control(pongs, Opcode::Pong, payload);
    }

    fn violated(&mut self, violation: &Violation) {
        tracing::debug!(%violation, "WebSocket closed");
        let detail = match violation {
            Violation::Protocol(detail) => detail,
            Violation::InvalidUtf8 => "invalid UTF-8",
            Violation::InvalidDeflate => "invalid compressed data",
            Violation::TooLarge { .. } => {
                self.worker.hub().count_limit(Limit::MaxPayload);
                "message too large"
            }
        };
        self.end = Some(End::Violated(Box::new((violation.close_code(), detail))));
    }

    /// The last bytes: what the session still had to say is not sent.
    fn finish(&mut self, reason: CloseReason) {
        self.finished = true;
        match self.mode {
            Mode::Session => self.worker.transport_closed(&self.connection, reason),
            Mode::Probe { .. } => self.worker.probe_closed(&self.connection),
        }
    }

    /// What remains to be written once nothing waits in the session; `None` if the connection goes on.
    fn ending(&mut self) -> Option<Bytes> {
        let (code, reason) = match &self.end {
            Some(End::Lost) => {
                self.finish(CloseReason::TransportClose);
                return Some(Bytes::new());
            }
            // A code is echoed; a reason is not worth repeating.
            Some(End::Closed(code)) => (*code, CloseReason::TransportClose),
            Some(End::Violated(violation)) => {
                let (code, detail) = **violation;
                (Some(code), CloseReason::TransportError(detail))
            }
            None if self.session_is_over() => {
                let code = self.connection.ends_with_server().then_some(GOING_AWAY);
                (code, CloseReason::TransportClose)
            }
            None => return None,
        };
        self.finish(reason);
        let mut close = BytesMut::with_capacity(4);
        codec::put_close(&mut close, code);
        Some(close.freeze())
    }

    fn session_is_over(&self) -> bool {
        match self.mode {
            Mode::Session => self.connection.is_ending(),
            Mode::Probe { .. } => !self.connection.is_probing(),
        }
    }
}

impl Drop for Protocol {
    fn drop(&mut self) {
        if !self.finished {
            self.finish(CloseReason::TransportClose);
        }
        self.connection.clear_waker();
    }
}

/// Goes on when other connections have had their turn.
///
/// A task that wakes itself runs dozens of times before the runtime looks whether others have input.
pub(crate) fn let_others<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Polled once it has the waker, and is not needed any more.
    let yielded = pin!(yield_now()).poll(cx);
    if yielded.is_ready() {
        cx.waker().wake_by_ref();
    }
    Poll::Pending
}
