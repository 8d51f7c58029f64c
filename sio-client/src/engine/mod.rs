//! Engine.IO 4 from the client's side: one session over polling, WebSocket, or from one to the other.
//!
//! [`open`] does the handshake, [`Engine::run`] carries the session until it ends. Frames to send come
//! from the [`Outbox`], messages that arrive go to a [`Sink`]; namespaces are unknown here.
//!
//! ```text
//! open ──► polling ──(probe answered, poll and push finished)──► websocket ──► end
//!   └──────────────────────────────────────────────────────────────▲
//! ```

pub(crate) mod endpoint;
mod http;
mod open;
mod polling;
pub(crate) mod stream;
mod websocket;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sio_core::engine::{Revision, Transport, packet, payload};
use sio_core::frame::Frame;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;

#[cfg(feature = "internals")]
pub(crate) use self::open::reads_open_packet;
pub(crate) use self::open::{Handshake, Settings, open};
pub(crate) use self::stream::Dialer;

use self::http::Http;
use self::websocket::Websocket;
use crate::life::DisconnectReason;
use crate::outbox::Outbox;

const PONG: Frame = Frame::constant("3");
/// Says that the session goes on by WebSocket.
const UPGRADE: &str = "5";
/// WebSocket pings a server may send while it reads nothing: each is answered into a buffer without a
/// bound of its own.
const MAX_FRAME_PINGS: u32 = 10_000;
/// How long an orderly end may take: sending what waits, and saying goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who gets the messages of a session.
pub(crate) trait Sink: Send {
    fn text(&mut self, text: &str) -> Result<(), DisconnectReason>;
    fn binary(&mut self, bytes: Bytes) -> Result<(), DisconnectReason>;
    fn upgraded(&mut self, transport: Transport);
}

/// How the session travels at first.
enum Wire {
    Polling(Box<Http>),
    Websocket(Box<Websocket>),
}

/// An open session.
pub(crate) struct Engine {
    wire: Wire,
    handshake: Handshake,
    /// Packets that came together with the open packet.
    early: Vec<String>,
    settings: Settings,
    dialer: Dialer,
}

impl Engine {
    pub(crate) const fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub(crate) const fn transport(&self) -> Transport {
        match self.wire {
            Wire::Polling(_) => Transport::Polling,
            Wire::Websocket(_) => Transport::Websocket,
        }
    }

    /// Carries the session until it ends. `wanted` turning false asks for an orderly end.
    ///
    /// Dropped, it drops the transport without a goodbye.
    pub(crate) async fn run(
        self,
        outbox: &Outbox,
        wanted: watch::Receiver<bool>,
        sink: &mut dyn Sink,
    ) -> DisconnectReason {
        let window = self.handshake.ping_interval.saturating_add(self.handshake.ping_timeout);
        let mut session = Session {
            outbox,
            sink,
            wanted,
            closing: false,
            window,
            deadline: Instant::now() + window,
            frame_pings: 0,
        };
        for text in &self.early {
            if let Err(reason) = session.packet(text) {
                return reason;
            }
        }
        let result = match self.wire {
            Wire::Websocket(websocket) => session.websocket(*websocket).await,
            Wire::Polling(http) => {
                let upgrade = (self.settings.upgrade && self.handshake.can_upgrade).then(|| {
                    let probe = websocket::probe(
                        self.dialer.clone(),
                        self.handshake.sid.clone(),
                        self.settings.max_message_size,
                    );
                    polling::Probe::new(self.settings.connect_timeout, probe)
                });
                let polled = session.polling(&http, self.handshake.max_payload, upgrade).await;
                match polled {
                    Ok(websocket) => session.upgraded(websocket).await,
                    Err(reason) => Err(reason),
                }
            }
        };
        match result {
            Ok(()) => DisconnectReason::ClientDisconnect,
            // Once we said that we go, it does not matter how the other side takes it.
            Err(_) if session.closing => DisconnectReason::ClientDisconnect,
            Err(reason) => reason,
        }
    }
}

/// What both transports share while a session runs.
struct Session<'a> {
    outbox: &'a Outbox,
    sink: &'a mut dyn Sink,
    wanted: watch::Receiver<bool>,
    /// The session is to end.
    closing: bool,
    /// A server that sends no ping for so long is dead.
    window: Duration,
    deadline: Instant,
    /// WebSocket pings since the server was last known to read.
    frame_pings: u32,
}

impl Session<'_> {
    /// Handles one engine packet in its text form.
    fn packet(&mut self, text: &str) -> Result<(), DisconnectReason> {
        match packet::decode(text, Revision::V4) {
            Ok(packet::Packet::Message(text)) => self.sink.text(text),
            Ok(packet::Packet::Binary(bytes)) => self.sink.binary(bytes),
            Ok(packet::Packet::Ping(_)) => {
                if self.outbox.is_idle() {
                    self.frame_pings = 0;
                }
                if !self.closing {
                    self.deadline = Instant::now() + self.window;
                }
                self.outbox.pong(PONG);
                Ok(())
            }
            Ok(packet::Packet::Close) => Err(DisconnectReason::TransportClose),
            // Nothing that a session which is open could need.
            Ok(
                packet::Packet::Open
                | packet::Packet::Pong(_)
                | packet::Packet::Upgrade
                | packet::Packet::Noop,
            ) => Ok(()),
            Err(packet::InvalidPacket) => Err(DisconnectReason::TransportError),
        }
    }

    fn payload(&mut self, body: &str) -> Result<(), DisconnectReason> {
        body.split(payload::SEPARATOR).try_for_each(|text| self.packet(text))
    }

    /// From now on the session only ends: it may send what waits, for a while.
    fn close_soon(&mut self) {
        self.closing = true;
        self.deadline = self.deadline.min(Instant::now() + CLOSE_TIMEOUT);
    }

    async fn upgraded(&mut self, mut websocket: Websocket) -> Result<(), DisconnectReason> {
        match timeout_at(self.deadline, websocket.send(Message::text(UPGRADE))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(DisconnectReason::TransportError),
            Err(_) => return Err(DisconnectReason::PingTimeout),
        }
        self.sink.upgraded(Transport::Websocket);
        self.websocket(websocket).await
    }

    async fn websocket(&mut self, websocket: Websocket) -> Result<(), DisconnectReason> {
        let outbox = self.outbox;
        let (mut write, mut read) = websocket.split();
        let writing = async {
            loop {
                outbox.ready().await;
                for message in outbox.take_batch().iter().filter_map(websocket::message) {
                    if write.feed(message).await.is_err() {
                        return;
                    }
                }
                if write.flush().await.is_err() {
                    return;
                }
                outbox.written();
            }
        };
        {
            let mut writing = std::pin::pin!(writing);
            // Writing that failed is no reason to stop reading what came before.
            let mut writes = true;
            loop {
                let deadline = self.deadline;
                tokio::select! {
                    message = read.next() => self.message(message)?,
                    () = &mut writing, if writes => {
                        writes = false;
                        self.deadline = self.deadline.min(Instant::now() + CLOSE_TIMEOUT);
                    }
                    () = until_unwanted(&mut self.wanted), if !self.closing => self.close_soon(),
                    () = outbox.drained(), if self.closing => break,
                    () = sleep_until(deadline) => {
                        return Err(if writes {
                            DisconnectReason::PingTimeout
                        } else {
                            DisconnectReason::TransportError
                        });
                    }
                }
            }
        }
        // The answer to the close frame is not worth waiting for.
        let _closed = timeout(CLOSE_TIMEOUT, write.close()).await;
        Ok(())
    }

    fn message(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<(), DisconnectReason> {
        match message {
            Some(Ok(Message::Text(text))) => self.packet(&text),
            Some(Ok(Message::Binary(bytes))) => self.sink.binary(bytes),
            Some(Ok(Message::Ping(_))) => {
                self.frame_pings = self.frame_pings.saturating_add(1);
                if self.frame_pings > MAX_FRAME_PINGS {
                    return Err(DisconnectReason::TransportError);
                }
                Ok(())
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(DisconnectReason::TransportClose),
            Some(Err(error)) => Err(websocket::end_of(&error)),
        }
    }
}

/// Completes when nobody wants the session any more.
async fn until_unwanted(wanted: &mut watch::Receiver<bool>) {
    // A sender that is gone wants nothing either.
    let _gone = wanted.wait_for(|wanted| !*wanted).await;
}
