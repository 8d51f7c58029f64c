//! Program C: what the JavaScript client's own tests talk to.
//!
//! `cargo run -p conformance --bin client-support -- --port 3210`

use std::time::{Duration, SystemTime};

use actix_web::http::header::HttpDate;
use bytes::Bytes;
use conformance::{Flags, SUITE_WORKERS, serve};
use serde::Deserialize;
use sio_actix::Recovery;
use sio_actix::prelude::*;

/// Each handshake request waits this long, so that clients with short timeouts see some of it.
const REQUEST_DELAY: Duration = Duration::from_millis(10);
/// What the server sends wherever a test asks for bytes.
const BYTES: Bytes = Bytes::from_static(b"asdfasdf");
/// The texts of the client's test of multi-byte characters, in its order.
const TEXTS: [&str; 5] = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];

/// The date as text.
fn date() -> String {
    HttpDate::from(SystemTime::now()).to_string()
}

#[derive(Deserialize)]
struct Mixed {
    hello: String,
    #[serde(rename = "message")]
    _message: Binary,
    goodbye: String,
}

impl Mixed {
    fn is_right(&self) -> bool {
        self.hello == "lol" && self.goodbye == "gotcha"
    }
}

/// The first of `abuff1` and `abuff2` arrived.
struct FirstBuffer;
/// `blob1` arrived, and perhaps `blob2`.
struct Blobs {
    second: bool,
}

/// What the client answers to `ack`.
type Answer = Rest<Value>;

fn is_expected(answer: &Answer) -> bool {
    let [number, object] = answer.0.as_slice() else { return false };
    number.as_u64() == Some(5) && object.get("test").and_then(Value::as_bool) == Some(true)
}

fn texts_and_dates(ns: &mut NamespaceBuilder) {
    ns.on("hi", |socket: Socket| socket.emit("hi", ()));
    ns.on("echo", |value: Value| value);
    ns.on("false", |socket: Socket| socket.emit("false", false));
    // The client's ack comes late or never, and then `ack` is not answered in time either.
    ns.on("ack", async |socket: Socket| {
        if socket
            .emit_with_ack::<Answer>("ack", (), None)
            .await
            .is_ok_and(|answer| is_expected(&answer))
        {
            socket.emit("got it", ())?;
        }
        Ok::<_, EventError>(())
    });
    ns.on("getAckDate", |_test: Value| date());
    ns.on("getDate", |socket: Socket| socket.emit("takeDate", date()));
    ns.on("getDateObj", |socket: Socket| {
        socket.emit("takeDateObj", serde_json::json!({ "date": date() }))
    });
    ns.on("getUtf8", |socket: Socket| {
        TEXTS.into_iter().try_for_each(|text| socket.emit("takeUtf8", text))
    });
    ns.on("getHandshake", |socket: Socket| socket.handshake_object());
    ns.on("getId", |socket: Socket| id(&socket));
}

fn id(socket: &Socket) -> String {
    socket.id().as_str().to_owned()
}

fn bytes(ns: &mut NamespaceBuilder) {
    ns.on("doge", |socket: Socket| socket.emit("doge", Binary(BYTES)));
    ns.on("getbin", |socket: Socket| socket.emit("takebin", Binary(BYTES)));
    ns.on("buffa", |socket: Socket, _bytes: Binary| socket.emit("buffack", ()));
    ns.on("jsonbuff", |socket: Socket, mixed: Mixed| {
        answer_if(&socket, "jsonbuff-ack", mixed.is_right())
    });
    ns.on("abuff1", |socket: Socket, _bytes: Binary| {
        socket.set_state(FirstBuffer);
    });
    ns.on("abuff2", |socket: Socket, first: Option<State<FirstBuffer>>, _text: String| {
        answer_if(&socket, "abuff2-ack", first.is_some())
    });
}

/// Only browsers send these.
fn blobs(ns: &mut NamespaceBuilder) {
    ns.on("blob", |socket: Socket, _bytes: Binary| socket.emit("back", ()));
    ns.on("jsonblob", |socket: Socket, mixed: Mixed| {
        answer_if(&socket, "jsonblob-ack", mixed.is_right())
    });
    ns.on("blob1", |socket: Socket, _bytes: Binary| {
        socket.set_state(Blobs { second: false });
    });
    ns.on("blob2", |socket: Socket, first: Option<State<Blobs>>, text: String| {
        if first.is_some() && text == "second" {
            socket.set_state(Blobs { second: true });
        }
    });
    ns.on("blob3", |socket: Socket, blobs: Option<State<Blobs>>, _bytes: Binary| {
        answer_if(&socket, "blob3-ack", blobs.is_some_and(|blobs| blobs.second))
    });
}

fn answer_if(socket: &Socket, event: &str, right: bool) -> Result<(), EmitError> {
    if right { socket.emit(event, ()) } else { Ok(()) }
}

/// Refuses clients whose query has `fail`.
fn refuse_failing(handshake: &Handshake) -> Result<(), ConnectError> {
    match handshake.query_value("fail") {
        Some(fail) if !fail.is_empty() => Err(ConnectError::new("Auth failed (main namespace)")),
        _ => Ok(()),
    }
}

fn open(_ns: &mut NamespaceBuilder) {}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers"])?;
    let io = Io::builder()
        .ping_interval(Duration::from_secs(2))
        .connection_state_recovery(Recovery::default())
        .allow_request(async |_handshake| {
            tokio::time::sleep(REQUEST_DELAY).await;
            Ok(())
        })
        .namespace("/", |ns| {
            ns.connect_guard(|socket: Socket| refuse_failing(socket.handshake()));
            texts_and_dates(ns);
            bytes(ns);
            blobs(ns);
        })
        .namespace("/abc", |ns| {
            ns.on_connection(|socket: Socket| {
                socket.emit("handshake", socket.handshake_object())?;
                Ok::<_, EventError>(())
            });
        })
        .namespace("/foo", |ns| {
            ns.on("getId", |socket: Socket| id(&socket));
        })
        .namespace("/no", |ns| {
            ns.connect_guard(|| Err::<(), _>(ConnectError::new("Auth failed (custom namespace)")));
        })
        .namespace("/timeout_socket", open)
        .namespace("/valid", open)
        .namespace("/asd", open)
        .build();
    serve(io, flags.number("--port", 3210)?, flags.number("--workers", SUITE_WORKERS)?).await
}
