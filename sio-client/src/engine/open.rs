//! The handshake of a session: the open packet, over the first transport.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Deserialize;
use sio_core::engine::payload;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::http::Http;
use super::stream::Dialer;
use super::{Engine, Wire, websocket};
use crate::error::TransportError;

/// Longest session id that is repeated in requests.
const MAX_SID: usize = 1024;
/// Longest heartbeat that is believed.
const MAX_HEARTBEAT: Duration = Duration::from_secs(24 * 60 * 60);

/// What the engine needs to know of the options.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Begin with WebSocket.
    pub(crate) websocket: bool,
    /// Move from polling to WebSocket if the server offers it.
    pub(crate) upgrade: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_message_size: usize,
}

/// What the open packet says.
#[derive(Debug, Clone)]
pub(crate) struct Handshake {
    pub(crate) sid: String,
    pub(crate) can_upgrade: bool,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    /// Largest payload the server takes.
    pub(crate) max_payload: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenPacket {
    sid: String,
    #[serde(default)]
    upgrades: Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: Option<u64>,
}

/// Opens a session within the connect timeout.
pub(crate) async fn open(dialer: Dialer, settings: Settings) -> Result<Engine, TransportError> {
    let limit = settings.connect_timeout;
    match timeout(limit, Box::pin(open_untimed(dialer, settings))).await {
        Ok(result) => result,
        Err(_) => Err(TransportError::Timeout(limit)),
    }
}

async fn open_untimed(dialer: Dialer, settings: Settings) -> Result<Engine, TransportError> {
    if settings.websocket {
        let mut websocket = websocket::open(&dialer, None, settings.max_message_size).await?;
        let first = loop {
            match websocket.next().await {
                Some(Ok(Message::Text(text))) => break text,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return Err(TransportError::NotEngineIo("no open packet")),
            }
        };
        let handshake = handshake(&first)?;
        let wire = Wire::Websocket(Box::new(websocket));
        return Ok(Engine { wire, handshake, early: Vec::new(), settings, dialer });
    }
    let mut http = Http::new(dialer.clone(), settings.max_message_size, settings.connect_timeout);
    let body = http.clone().poll().await?;
    let mut packets = body.split(payload::SEPARATOR);
    let handshake = handshake(packets.next().unwrap_or_default())?;
    let early = packets.map(str::to_owned).collect();
    http.set_sid(&handshake.sid);
    Ok(Engine { wire: Wire::Polling(Box::new(http)), handshake, early, settings, dialer })
}

fn handshake(packet: &str) -> Result<Handshake, TransportError> {
    let json = packet.strip_prefix('0').ok_or(TransportError::NotEngineIo("no open packet"))?;
    let open: OpenPacket =
        serde_json::from_str(json).or(Err(TransportError::NotEngineIo("broken open packet")))?;
    if open.sid.is_empty() || open.sid.len() > MAX_SID {
        return Err(TransportError::NotEngineIo("no session id that can be used"));
    }
    let millis = |millis| Duration::from_millis(millis).min(MAX_HEARTBEAT);
    Ok(Handshake {
        sid: open.sid,
        can_upgrade: open.upgrades.iter().any(|name| name == "websocket"),
        ping_interval: millis(open.ping_interval),
        ping_timeout: millis(open.ping_timeout),
        // 0 and absence both stand for "no limit".
        max_payload: open
            .max_payload
            .filter(|max| *max > 0)
            .map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX)),
    })
}

/// The packet opens a session.
#[cfg(feature = "internals")]
pub(crate) fn reads_open_packet(packet: &str) -> bool {
    handshake(packet).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_open_packets_are_refused() {
        let long = format!(r#"0{{"sid":"{}","pingInterval":1,"pingTimeout":1}}"#, "x".repeat(1025));
        for text in [
            "",
            "1",
            "0",
            "0{}",
            "40",
            r#"{"sid":"a"}"#,
            r#"0{"sid":"","pingInterval":1,"pingTimeout":1}"#,
            r#"0{"sid":"a","pingInterval":-1,"pingTimeout":1}"#,
            r#"0{"sid":"a","upgrades":3,"pingInterval":1,"pingTimeout":1}"#,
            &long,
        ] {
            assert!(handshake(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_open_packet_may_be_minimal_or_absurd() {
        let text = r#"0{"sid":"a","pingInterval":18446744073709551615,"pingTimeout":0,"x":[]}"#;
        let open = handshake(text).unwrap();
        assert_eq!((open.ping_interval, open.max_payload), (MAX_HEARTBEAT, usize::MAX));
        assert!(!open.can_upgrade);
    }
}
