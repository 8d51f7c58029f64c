//! The state machine of one session id.
//!
//! Sits between the transports (bytes in, bytes out) and the multiplexer (messages). The owner calls
//! `receive_*`, `on_*` and [`Session::handle_timeout`], then asks what is to be done:
//! [`Session::take_poll_answer`], the outbox, [`Session::close_reason`], [`Session::poll_timeout`].
//! It never calls back, reads no clock and holds no more than the outbox allows.
//!
//! ```text
//!            open(websocket)                    on_probe_open
//!   ───────► Websocket ◄──── `5` ──── Probing ◄──────────────► Polling ◄─── open(polling)
//!               │                        │   probe fails, expired  │
//!               │ close / violation / timeout / transport closed   │
//!               ▼                        ▼                         ▼
//!            Closing (what waits is still delivered) ───────────► Closed
//! ```

mod polls;
mod upgrade;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::close::CloseReason;
use crate::frame::{Frame, FrameGroup};
use crate::limits::Limit;

use super::handshake::{EngineConfig, Transport};
use super::outbox::Outbox;
use super::packet::{self, InvalidPacket, Packet};
use super::revision::{Revision, Wire};
use super::timer::{Timer, TimerTable, after};
use super::traffic::{Traffic, message_len};

pub use polls::PollOutcome;

const PING: Frame = Frame::constant("2");
const PONG: Frame = Frame::constant("3");
const NOOP: Frame = Frame::constant("6");
/// Answer to a poll with nothing to say.
const NOOP_ANSWER: &[&str] = &["6"];
/// Answer to a waiting poll when the server ends the session.
const CLOSE_ANSWER: &[&str] = &["1"];
/// While an upgrade is probed, a poll that came after the probe is released this often.
const NOOP_INTERVAL: Duration = Duration::from_millis(100);
/// A timer later than this means that the process was suspended, not that the peer was silent.
const SUSPENDED: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Polling,
    /// Open on polling while a WebSocket is tried.
    Probing,
    Websocket,
    /// Ended for the layers above; what waits is still delivered on this transport.
    Closing(Transport),
    Closed,
}

/// What a received packet means for the layer above.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every outcome")]
pub enum Received<'a> {
    /// Nothing: heartbeat, noise, or a packet after the close.
    Nothing,
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(Bytes),
    /// The session ended by this packet; [`Session::close_reason`] tells why.
    Closed,
}

/// What a frame of a probing WebSocket leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every outcome")]
pub enum ProbeReply {
    /// Send `3probe`.
    Pong,
    /// The session is on this WebSocket now.
    Upgraded,
    /// Close this WebSocket; the session goes on by polling, or is over.
    Refused,
}

/// One Engine.IO session.
#[derive(Debug)]
pub struct Session {
    config: Arc<EngineConfig>,
    state: State,
    outbox: Outbox,
    timers: TimerTable,
    poll_waits: bool,
    /// The client ended the session: its waiting poll need not be told so.
    closed_by_client: bool,
    reason: Option<CloseReason>,
    /// The session was closed while a WebSocket was being tried: the client may have stopped polling, so
    /// what waits, and the end, reach it there.
    closing_probe: bool,
    /// Where its messages are counted, if they are.
    traffic: Option<Arc<Traffic>>,
}

impl Session {
    /// Opens a session; `open_packet` is the first thing its client will be told, the configured message
    /// the second.
    #[must_use]
    pub fn open(
        now: Instant,
        config: Arc<EngineConfig>,
        transport: Transport,
        wire: Wire,
        open_packet: String,
    ) -> Self {
        let mut outbox = Outbox::new(config.send_buffer_max, config.send_buffer_max_frames);
        outbox.set_policy(config.send_policy);
        outbox.set_wire(wire);
        outbox.push(&Frame::text(open_packet.into()).ending_write());
        if let Some(message) = &config.initial_packet {
            outbox.push(message);
        }
        let state = match transport {
            Transport::Polling => State::Polling,
            Transport::Websocket => State::Websocket,
        };
        let mut session = Self {
            config,
            state,
            outbox,
            timers: TimerTable::default(),
            poll_waits: false,
            closed_by_client: false,
            reason: None,
            closing_probe: false,
            traffic: None,
        };
        session.await_heartbeat(now);
        session
    }

    /// The protocol revision of the session.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.outbox.wire().revision
    }

    /// Counts the session's messages from now on, with those of the worker that owns it.
    pub fn set_traffic(&mut self, traffic: Option<Arc<Traffic>>) {
        self.traffic = traffic;
    }

    /// A volatile packet was not queued, because the peer was not ready.
    pub(crate) fn count_dropped_volatile(&self) {
        if let Some(traffic) = &self.traffic {
            traffic.dropped_volatile();
        }
    }

    fn count_received(&self, bytes: usize) {
        if let Some(traffic) = &self.traffic {
            traffic.received(bytes);
        }
    }

    // ---- frames in ------------------------------------------------------------------------------

    /// Takes one text packet: a text frame of the WebSocket, or one slot of a pushed payload.
    pub fn receive_text<'a>(&mut self, now: Instant, text: &'a str) -> Received<'a> {
        if self.reason.is_some() {
            return Received::Nothing;
        }
        // The common case first: a text message.
        if let Some(message) = text.strip_prefix('4') {
            self.count_received(message.len());
            return Received::Text(message);
        }
        self.receive_packet(now, packet::decode(text, self.revision()))
    }

    fn receive_packet<'a>(
        &mut self,
        now: Instant,
        packet: Result<Packet<'a>, InvalidPacket>,
    ) -> Received<'a> {
        match (packet, self.revision()) {
            (Ok(Packet::Message(message)), _) => {
                self.count_received(message.len());
                Received::Text(message)
            }
            (Ok(Packet::Binary(bytes)), _) => {
                self.count_received(bytes.len());
                Received::Binary(bytes)
            }
            (Ok(Packet::Pong(_)), Revision::V4) => {
                self.timers.stop(Timer::PongMissing);
                self.await_heartbeat(now);
                Received::Nothing
            }
            (Ok(Packet::Ping(_)), Revision::V3) => {
                self.outbox.push(&PONG);
                self.check_overflow();
                self.await_heartbeat(now);
                Received::Nothing
            }
            (Ok(Packet::Ping(_) | Packet::Pong(_)), _) => {
                self.end(CloseReason::TransportError("invalid heartbeat direction"))
            }
            (Ok(Packet::Close), _) => {
                self.closed_by_client = true;
                self.end(CloseReason::TransportClose)
            }
            (Ok(Packet::Open | Packet::Upgrade | Packet::Noop), _) => Received::Nothing,
            (Err(InvalidPacket), _) => self.end(CloseReason::ParseError),
        }
    }

    /// Takes one binary frame of the WebSocket, or one binary packet of a pushed payload.
    pub fn receive_binary(&mut self, now: Instant, bytes: Bytes) -> Received<'static> {
        if self.reason.is_some() {
            return Received::Nothing;
        }
        match self.revision() {
            Revision::V4 => {
                self.count_received(bytes.len());
                Received::Binary(bytes)
            }
            Revision::V3 => self.receive_packet(now, packet::decode_binary_v3(bytes)),
        }
    }

    /// Waits for the next ping: to be sent in revision 4, to be received in revision 3.
    fn await_heartbeat(&mut self, now: Instant) {
        // Perhaps nothing else is said until then.
        self.outbox.shrink();
        let EngineConfig { ping_interval, ping_timeout, .. } = *self.config;
        match self.revision() {
            Revision::V4 => self.timers.set(Timer::PingDue, after(now, ping_interval)),
            Revision::V3 => {
                let patience = ping_interval.saturating_add(ping_timeout);
                self.timers.set(Timer::PongMissing, after(now, patience));
            }
        }
    }

    // ---- end ------------------------------------------------------------------------------------

    /// Ends the session; what waits is still delivered.
    ///
    /// A polling session that nobody polls any more is forgotten after the close timeout.
    pub fn close(&mut self, now: Instant, reason: CloseReason) {
        // A poll that waits for nothing takes the end at once.
        let probing = self.is_probing() && !(self.poll_waits && self.outbox.is_empty());
        if self.mark_ended(reason) {
            self.closing_probe = probing;
            self.timers.set(Timer::CloseExpired, after(now, self.config.close_timeout));
        }
    }

    fn mark_ended(&mut self, reason: CloseReason) -> bool {
        if self.reason.is_some() {
            return false;
        }
        self.reason = Some(reason);
        self.timers.clear();
        self.state = State::Closing(self.transport());
        true
    }

    /// Drops what waits to be sent, but for the answers to the client's events.
    pub fn keep_answers(&mut self) {
        self.outbox.keep_answers();
    }

    /// Ends the session and drops what waits; a polling client that is between two polls is told with
    /// its next one.
    pub fn discard(&mut self, now: Instant, reason: CloseReason) {
        self.close(now, reason);
        self.outbox.clear();
    }

    /// Ends the session at once; what waits is dropped.
    pub fn abort(&mut self, reason: CloseReason) {
        self.end(reason);
    }

    fn end(&mut self, reason: CloseReason) -> Received<'static> {
        self.mark_ended(reason);
        self.closing_probe = false;
        self.outbox.clear();
        // A waiting poll, or a WebSocket connection, still takes its farewell.
        if !self.poll_waits && self.transport() == Transport::Polling {
            self.finish();
        }
        Received::Closed
    }

    /// The WebSocket connection ended, or has sent its close frame.
    pub fn on_transport_closed(&mut self, reason: CloseReason) {
        self.mark_ended(reason);
        self.finish();
    }

    fn finish(&mut self) {
        self.state = State::Closed;
        self.closing_probe = false;
        self.timers.clear();
        self.outbox.clear();
    }

    // ---- time -----------------------------------------------------------------------------------

    /// The next moment at which [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The peer is not read at the moment, so its pong cannot be missed.
    pub fn excuse_pong(&mut self, now: Instant) {
        let deadline = after(now, self.config.ping_timeout);
        self.timers.postpone(Timer::PongMissing, deadline);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((timer, deadline)) = self.timers.take_expired(now) {
            let late = now.saturating_duration_since(deadline);
            match timer {
                Timer::PingDue => {
                    self.outbox.push(&PING);
                    // Counted from when the ping was due, so that ticks do not add up; after a
                    // suspension from now on, so that a living client is not dropped.
                    let start = if late > SUSPENDED { now } else { deadline };
                    self.timers.set(Timer::PongMissing, after(start, self.config.ping_timeout));
                }
                Timer::PongMissing if late > SUSPENDED => {
                    if self.revision() == Revision::V4 {
                        self.outbox.push(&PING);
                    }
                    self.timers.set(Timer::PongMissing, after(now, self.config.ping_timeout));
                }
                Timer::PongMissing => {
                    self.end(CloseReason::PingTimeout);
                }
                Timer::NoopDue => {
                    self.release_poll();
                    self.timers.set(Timer::NoopDue, after(now, NOOP_INTERVAL));
                }
                Timer::UpgradeExpired => self.on_probe_closed(),
                Timer::CloseExpired => self.finish(),
            }
            self.check_overflow();
        }
    }

    // ---- frames out -----------------------------------------------------------------------------

    /// Queues a text frame given in parts.
    pub fn send_text(&mut self, parts: &[&[u8]]) {
        if self.reason.is_none() {
            if let Some(traffic) = &self.traffic {
                let bytes: usize = parts.iter().map(|part| part.len()).sum();
                traffic.sent(bytes.saturating_sub(1));
            }
            self.outbox.push_text(parts);
            self.check_overflow();
        }
    }

    /// Queues a binary frame.
    pub fn send_binary(&mut self, bytes: &Bytes) {
        if self.reason.is_none() {
            if let Some(traffic) = &self.traffic {
                traffic.sent(bytes.len());
            }
            self.outbox.push_binary(bytes);
            self.check_overflow();
        }
    }

    /// Queues a frame.
    pub fn send_frame(&mut self, frame: &Frame) {
        if self.reason.is_none() {
            if let Some(traffic) = &self.traffic {
                traffic.sent(message_len(frame));
            }
            self.outbox.push(frame);
            self.check_overflow();
        }
    }

    /// Queues the frames of one packet.
    pub fn send_group(&mut self, group: &FrameGroup) {
        if self.reason.is_none() {
            let dropped = self.outbox.push_group(group);
            if let Some(traffic) = &self.traffic {
                traffic.sent_group(group);
                traffic.dropped_events(dropped);
            }
            self.check_overflow();
        }
    }

    /// The limit of what may wait for the peer that ended the session.
    #[must_use]
    pub const fn overflow(&self) -> Option<Limit> {
        self.outbox.overflow()
    }

    /// Bytes and frames that wait for the peer.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        (self.outbox.queued_bytes(), self.outbox.queued_frames())
    }

    fn check_overflow(&mut self) {
        if self.outbox.overflowed() && self.reason.is_none() {
            self.end(CloseReason::TransportError("send buffer full"));
        }
    }

    /// Whether the transport could take a packet at this moment.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        match self.state {
            State::Websocket => self.outbox.is_idle(),
            State::Polling => self.poll_waits && self.outbox.is_idle(),
            State::Probing | State::Closing(_) | State::Closed => false,
        }
    }

    /// So much waits for the peer that nothing more should be read from it.
    #[must_use]
    #[inline]
    pub fn is_congested(&self) -> bool {
        if self.outbox.is_empty() {
            return false;
        }
        let bytes = self.config.send_buffer_high;
        let frames = self.config.send_buffer_max_frames / 2;
        (bytes > 0 && self.outbox.queued_bytes() >= bytes)
            || (frames > 0 && self.outbox.queued_frames() >= frames)
    }

    /// Whether so much more can wait for the peer without ending the session.
    #[must_use]
    pub fn has_room_for(&self, bytes: usize, frames: usize) -> bool {
        let (max, max_frames) = (self.config.send_buffer_max, self.config.send_buffer_max_frames);
        (max == 0 || self.outbox.queued_bytes().saturating_add(bytes) <= max)
            && (max_frames == 0 || self.outbox.queued_frames().saturating_add(frames) <= max_frames)
    }

    /// Something waits to be sent.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Lends the WebSocket connection's buffer for one turn.
    pub fn begin_turn(&mut self, buffer: BytesMut) {
        self.outbox.begin_turn(buffer);
    }

    /// Takes the buffer back, filled with frames for the wire.
    pub fn end_turn(&mut self) -> BytesMut {
        self.outbox.end_turn()
    }

    /// All that waits, if it is one packet for many: bytes for the wire that need no buffer. `None` also where
    /// others have to hear of it, because the session ends or has too much to say.
    pub fn take_ready(&mut self) -> Option<Bytes> {
        if self.state != State::Websocket || self.reason.is_some() || self.is_congested() {
            return None;
        }
        self.outbox.take_ready()
    }

    /// What waits may only be written after the buffer of the last turn has left.
    #[must_use]
    pub fn waits_for_write(&self) -> bool {
        self.outbox.waits_for_write()
    }

    /// The next piece of a frame too large for the buffer, to be written behind it.
    pub fn next_slice(&mut self, max: usize) -> Option<Bytes> {
        self.outbox.next_slice(max)
    }

    // ---- state ----------------------------------------------------------------------------------

    /// The transport in use; a session that is tried on a WebSocket is still on polling.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.state {
            State::Websocket | State::Closing(Transport::Websocket) => Transport::Websocket,
            _ => Transport::Polling,
        }
    }

    /// Why the session ended, as soon as that is decided.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.reason
    }

    /// Nothing is left to deliver: the session id is unknown from now on.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// A poll waits for something to be sent.
    #[must_use]
    pub const fn poll_waits(&self) -> bool {
        self.poll_waits
    }
}
