//! The response body that is the connection.
//!
//! actix polls the body on the connection's own task: after it has fed what came in, and while there is
//! room to write. So one poll reads everything that is there, runs the handlers, and yields everything
//! they said as one chunk, which leaves in one write. No task, no channel and no lock per message.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use bytes::{Buf as _, Bytes, BytesMut};
use futures_core::Stream as _;
use sio_core::close::CloseReason;
use sio_core::engine::websocket::put_frame;
use sio_core::engine::{ProbeReply, Revision, Wire};
use sio_core::frame::Frame;
use sio_core::server::{Connection, Worker};
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use super::codec::{self, Message, Opcode, Parser, Violation};

/// The answer to a probe (Engine.IO 4, "upgrade").
const PROBE_PONG: Frame = Frame::constant("3probe");
/// Messages of one connection before others have their turn.
const TURN_MESSAGES: usize = 256;
/// So many bytes of messages count as one more: a few bytes may inflate to a large message.
const MESSAGE_BYTES: usize = 4 * 1024;
/// actix copies what a body yields into its write buffer as a whole, so large frames go in slices.
const SLICE: usize = 32 * 1024;
/// Between the open packet or the answer to a CONNECT and what follows in the same turn: a client that begins
/// to listen for the next only once it has seen one would miss it if both came in one read.
const PAUSE: Duration = Duration::from_millis(5);
/// Scratch above this size is given back.
const SCRATCH_KEPT: usize = 64 * 1024;

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
#[derive(Debug, Clone, Copy)]
enum End {
    /// The connection is gone.
    Lost,
    /// A close frame came; the answer carries its code.
    Closed(Option<u16>),
    /// The peer broke the protocol.
    Violated(u16, &'static str),
}

pub(super) struct BodyConnection {
    worker: Rc<Worker>,
    connection: Rc<Connection>,
    payload: Payload,
    /// Waker of the task that made this body: if the same task polls it, what the payload says needs no
    /// waker of its own, because the task polls the body after feeding the payload.
    task: Option<Waker>,
    parser: Parser,
    /// What was read and not yet parsed.
    chunk: Bytes,
    mode: Mode,
    end: Option<End>,
    /// The newest unanswered ping; older ones need no answer (RFC 6455 section 5.5.3).
    pong: Option<Bytes>,
    /// `3probe` has to be sent.
    probe_pong: bool,
    /// Others get their turn before this connection reads on.
    yields: bool,
    /// What comes next leaves in a write of its own, late enough to be read by itself.
    pause: Option<Pin<Box<Sleep>>>,
    done: bool,
}

impl BodyConnection {
    pub(super) fn new(
        worker: Rc<Worker>,
        connection: Rc<Connection>,
        payload: Payload,
        task: Waker,
        mode: Mode,
        deflate: bool,
    ) -> Self {
        // Only the plain HTTP/1 payload is fed by the task that polls the body.
        let task = matches!(payload, Payload::H1 { .. }).then_some(task);
        let parser = Parser::new(worker.hub().limits().max_payload, deflate);
        // Clients of revision 3 are known that listen for the open packet only once they have seen the 101.
        let early = matches!(mode, Mode::Session) && connection.handle().revision() == Revision::V3;
        let pause = early.then(|| Box::pin(sleep(PAUSE)));
        Self {
            worker,
            connection,
            payload,
            task,
            parser,
            chunk: Bytes::new(),
            mode,
            end: None,
            pong: None,
            probe_pong: false,
            yields: false,
            pause,
            done: false,
        }
    }

    /// Makes sure that there is input to parse.
    fn fill(&mut self, cx: &mut Context<'_>) -> bool {
        while self.chunk.is_empty() {
            if self.end.is_some() {
                return false;
            }
            let silent = self.task.as_ref().is_some_and(|task| cx.waker().will_wake(task));
            let polled = if silent {
                Pin::new(&mut self.payload).poll_next(&mut Context::from_waker(Waker::noop()))
            } else {
                Pin::new(&mut self.payload).poll_next(cx)
            };
            match polled {
                Poll::Ready(Some(Ok(chunk))) => self.chunk = chunk,
                Poll::Ready(Some(Err(_)) | None) => self.end = Some(End::Lost),
                Poll::Pending => return false,
            }
        }
        true
    }

    /// Reads and handles messages until input, patience or the session's readiness runs out.
    fn read(&mut self, cx: &mut Context<'_>, scratch: &mut Vec<u8>) {
        let mut messages = 0;
        while self.end.is_none() && self.takes_input() && self.fill(cx) {
            let chunk = std::mem::take(&mut self.chunk);
            let mut input: &[u8] = &chunk;
            while self.end.is_none() && self.takes_input() {
                if messages >= TURN_MESSAGES {
                    self.yields = true;
                    break;
                }
                match self.parser.next(&mut input, scratch) {
                    Ok(Some(message)) => {
                        messages += 1 + message.len() / MESSAGE_BYTES;
                        self.receive(message);
                    }
                    Ok(None) => break,
                    Err(violation) => self.violated(&violation),
                }
            }
            let parsed = chunk.len() - input.len();
            self.chunk = chunk;
            self.chunk.advance(parsed);
            if self.yields {
                return;
            }
        }
    }

    fn takes_input(&self) -> bool {
        match self.mode {
            Mode::Session => {
                !self.connection.is_ending() && !self.worker.is_paused(&self.connection)
            }
            Mode::Probe { .. } => self.connection.is_probing(),
        }
    }

    fn receive(&mut self, message: Message<'_>) {
        match (message, self.mode) {
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
            (Message::Ping(payload), _) => self.pong = Some(Bytes::copy_from_slice(payload)),
            (Message::Pong, _) => {}
            (Message::Close(frame), _) => {
                self.end = Some(End::Closed(frame.map(|frame| frame.code)));
            }
        }
    }

    fn violated(&mut self, violation: &Violation) {
        tracing::debug!(%violation, "WebSocket closed");
        let detail = match violation {
            Violation::Protocol(detail) => detail,
            Violation::InvalidUtf8 => "invalid UTF-8",
            Violation::InvalidDeflate => "invalid compressed data",
            Violation::TooLarge { .. } => "message too large",
        };
        self.end = Some(End::Violated(violation.close_code(), detail));
    }

    /// The last bytes: an unsent pong is forgotten, what the session still had to say is not sent.
    fn finish(&mut self, code: Option<u16>, reason: CloseReason) -> Bytes {
        self.done = true;
        match self.mode {
            Mode::Session => self.worker.transport_closed(&self.connection, reason),
            Mode::Probe { .. } => self.worker.probe_closed(&self.connection),
        }
        let mut close = BytesMut::with_capacity(4);
        codec::put_close(&mut close, code);
        close.freeze()
    }

    /// What remains to be written once nothing waits in the session; `None` if the connection goes on.
    fn ending(&mut self) -> Option<Option<Bytes>> {
        match self.end {
            Some(End::Lost) => {
                self.finish(None, CloseReason::TransportClose);
                Some(None)
            }
            Some(End::Closed(code)) => {
                // A code is echoed; a reason is not worth repeating.
                Some(Some(self.finish(code, CloseReason::TransportClose)))
            }
            Some(End::Violated(code, detail)) => {
                Some(Some(self.finish(Some(code), CloseReason::TransportError(detail))))
            }
            None if self.session_is_over() => {
                Some(Some(self.finish(None, CloseReason::TransportClose)))
            }
            None => None,
        }
    }

    fn session_is_over(&self) -> bool {
        match self.mode {
            Mode::Session => self.connection.is_ending(),
            Mode::Probe { .. } => !self.connection.is_probing(),
        }
    }
}

/// Goes on when other connections have had their turn.
///
/// A task that wakes itself runs dozens of times before the runtime looks whether others have input.
fn let_others<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Polled once it has the waker, and is not needed any more.
    let yielded = pin!(yield_now()).poll(cx);
    if yielded.is_ready() {
        cx.waker().wake_by_ref();
    }
    Poll::Pending
}

impl MessageBody for BodyConnection {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        if let Some(slice) = this.connection.next_slice(SLICE) {
            return Poll::Ready(Some(Ok(slice)));
        }
        if std::mem::take(&mut this.yields) {
            return let_others(cx);
        }
        this.worker.catch_up();
        this.worker.tick();
        if matches!(this.mode, Mode::Session) {
            this.worker.begin_turn(&this.connection);
        }
        // User code runs while frames are read: the scratch must not be borrowed meanwhile.
        let mut scratch = SCRATCH.take();
        this.read(cx, &mut scratch);
        if scratch.capacity() <= SCRATCH_KEPT {
            SCRATCH.set(scratch);
        }
        let bytes = if matches!(this.mode, Mode::Session) {
            let bytes = this.worker.end_turn(&this.connection);
            if this.connection.waits_for_write() {
                this.pause = Some(Box::pin(sleep(PAUSE)));
            }
            bytes
        } else {
            Bytes::new()
        };
        if this.probe_pong {
            this.probe_pong = false;
            let mut pong = BytesMut::with_capacity(8 + bytes.len());
            put_frame(&mut pong, &PROBE_PONG, Wire::V4);
            pong.extend_from_slice(&bytes);
            return Poll::Ready(Some(Ok(pong.freeze())));
        }
        if !bytes.is_empty() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if let Some(slice) = this.connection.next_slice(SLICE) {
            return Poll::Ready(Some(Ok(slice)));
        }
        if let Some(ping) = this.pong.take() {
            let mut pong = BytesMut::with_capacity(ping.len() + 2);
            codec::put_control(&mut pong, Opcode::Pong, &ping);
            return Poll::Ready(Some(Ok(pong.freeze())));
        }
        if let Some(last) = this.ending() {
            return Poll::Ready(last.map(Ok));
        }
        if std::mem::take(&mut this.yields) {
            return let_others(cx);
        }
        this.connection.set_waiting(cx.waker());
        Poll::Pending
    }
}

impl Drop for BodyConnection {
    fn drop(&mut self) {
        if !self.done {
            self.finish(None, CloseReason::TransportClose);
        }
        self.connection.clear_waker();
    }
}
