//! A server with a parser of its own: what a parser can do wrong, and a whole conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sio_core::close::DisconnectReason;
use sio_core::packet::{Binary, DecodeError, EncodeError, PacketType, Rest, Value};
use sio_core::parser::{Decoder, DecoderLimits, Incoming, Message, Outgoing, Parser};
use sio_core::server::{ConnectError, EmitError, Io, IoConfig, NamespaceBuilder, Socket};

use crate::carrier::{Server, WebSocket};
use crate::tools::{Gates, Notes};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(8);

/// Packets as lines: `type|namespace|ack id|attachments|payload`, and the attachments behind it.
#[derive(Default)]
struct Lines {
    /// Decoders that exist.
    decoders: Arc<AtomicUsize>,
}

struct LineDecoder {
    decoders: Arc<AtomicUsize>,
    limits: DecoderLimits,
    unfinished: Option<(Incoming, usize)>,
}

impl Parser for Lines {
    fn encode(&self, packet: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError> {
        let (kind, namespace) = (char::from(packet.kind().digit()), packet.namespace());
        let ack = packet.ack().map(|id| id.to_string()).unwrap_or_default();
        let (count, payload) = (packet.attachments().len(), packet.payload());
        match payload {
            "[\"panics\"]" | "[\"panics\",1]" => panic!("secret"),
            "[\"fails\"]" => return Err(EncodeError::Parser("as asked".to_owned())),
            "[\"nothing\"]" => return Ok(Vec::new()),
            "[\"separator\"]" => return Ok(vec![Message::Text("\u{1e}".to_owned())]),
            _ => {}
        }
        let mut messages =
            vec![Message::Text(format!("{kind}|{namespace}|{ack}|{count}|{payload}"))];
        messages.extend(packet.attachments().iter().cloned().map(Message::Binary));
        Ok(messages)
    }

    fn decoder(&self, limits: &DecoderLimits) -> Box<dyn Decoder> {
        self.decoders.fetch_add(1, Ordering::Relaxed);
        let (decoders, limits) = (Arc::clone(&self.decoders), limits.clone());
        Box::new(LineDecoder { decoders, limits, unfinished: None })
    }
}

impl Drop for LineDecoder {
    fn drop(&mut self) {
        self.decoders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Decoder for LineDecoder {
    fn decode(&mut self, message: Message) -> Result<Option<Incoming>, DecodeError> {
        let line = match message {
            Message::Text(line) => line,
            Message::Binary(bytes) => {
                let (packet, missing) =
                    self.unfinished.as_mut().ok_or(DecodeError::UnexpectedBinary)?;
                packet.attachments.push(bytes);
                *missing -= 1;
                let is_complete = *missing == 0;
                return Ok(if is_complete { self.unfinished.take().map(|u| u.0) } else { None });
            }
        };
        assert_ne!(line, "panic", "secret");
        let parts: Vec<&str> = line.splitn(5, '|').collect();
        let &[kind, namespace, ack, count, payload] = parts.as_slice() else {
            return Err(DecodeError::Malformed);
        };
        let kind = PacketType::from_digit(kind.as_bytes()[0]).unwrap();
        let mut packet = Incoming::new(kind, namespace.to_owned());
        packet.ack = ack.parse().ok();
        packet.payload = (!payload.is_empty()).then(|| payload.to_owned());
        let missing = count.parse().unwrap();
        if missing == 0 {
            return Ok(Some(packet));
        }
        assert_eq!((self.limits.max_attachments, self.limits.max_depth), (10, 128));
        self.unfinished = Some((packet, missing));
        Ok(None)
    }
}

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("echo", |socket: Socket, args: Rest<Value>| socket.emit("echo", args));
    ns.on("ack", |args: Rest<Value>| args);
    ns.on("say", |socket: Socket, event: String| match socket.emit(&event, ()) {
        Err(EmitError::Encode(EncodeError::Parser(error))) => error,
        other => format!("{other:?}"),
    });
    ns.on("reply", |text: String| text);
    ns.on("shout", |io: Io, args: Rest<Value>| io.emit("news", args));
    ns.on("bye", |socket: Socket| socket.disconnect(false));
}

fn config() -> IoConfig {
    Io::builder().parser(Lines::default()).namespace("/", handlers).namespace("/guarded", |ns| {
        ns.connect_guard(|| Err::<(), _>(ConnectError::new("no").with_data(7)));
    })
}

fn joined(server: &Server) -> WebSocket {
    let mut client = server.websocket();
    let answer = client.exchange("40|/||0|");
    assert!(answer.len() == 1 && answer[0].starts_with("40|/||0|{\"sid\":\""), "{answer:?}");
    client
}

// ---- what a parser can do wrong -----------------------------------------------------------------

#[test]
fn what_a_decoder_gives_is_checked_as_every_packet() {
    let deep = format!("42|/||0|[\"a\",{}{}]", "[".repeat(128), "]".repeat(128));
    let long = format!("40|/{}||0|", "n".repeat(255));
    for broken in [
        // No packets at all.
        "4hello",
        "4",
        // Payloads that do not fit their types.
        "42|/||0|",
        "42|/||0|{}",
        "42|/||0|[]",
        "42|/||0|[\"a\"",
        "42|/||0|[\"connect\"]",
        "42|/||0|[true]",
        "43|/|0|0|{}",
        "43|/|0|0|[",
        "41|/||0|{}",
        "40|/new||0|[]",
        "40|/new||0|null",
        "44|/||0|7",
        // Limits.
        "42|/|9007199254740992|0|[\"a\"]",
        &deep,
        &long,
        // States.
        "40|/||0|",
        "42|/new||0|[\"a\"]",
        "44|/||0|{}",
    ] {
        let server = Server::start(config());
        let mut client = joined(&server);
        assert_eq!(client.exchange(broken), ["(closed)"], "{broken}");
        server.assert_empty();
    }
}

#[test]
fn attachments_of_a_decoder_are_checked_as_every_packets() {
    for (line, count) in [
        ("42|/||1|[\"echo\",{\"_placeholder\":true,\"num\":1}]", 1),
        ("42|/||1|[\"echo\",{\"_placeholder\":true}]", 1),
        ("42|/||1|[\"echo\",", 1),
        ("43|/|0|1|[{\"_placeholder\":true,\"num\":-1}]", 1),
        ("40|/new||1|{}", 1),
        ("42|/||1025|[\"echo\"]", 1025),
    ] {
        let server = Server::start(config());
        let mut client = joined(&server);
        assert_eq!(client.exchange(line), Vec::<String>::new(), "{line}");
        for _ in 0..count {
            client.send_binary(&[7]);
        }
        assert_eq!(client.frames(), ["(closed)"], "{line}");
    }
}

#[test]
fn a_lower_limit_of_nesting_holds_for_every_parser() {
    let mut config = config();
    config.config_mut().limits.max_json_depth = 3;
    let server = Server::start(config);
    let mut client = joined(&server);
    assert_eq!(client.exchange("42|/|1|0|[\"ack\",[{}]]"), ["43|/|1|0|[[{}]]"]);
    assert_eq!(client.exchange("42|/|1|0|[\"ack\",[[{}]]]"), ["(closed)"]);
}

#[test]
fn a_namespace_without_a_slash_does_not_exist() {
    let server = Server::start(config());
    let mut client = joined(&server);
    let refused = ["44|guarded||0|{\"message\":\"Invalid namespace\"}"];
    assert_eq!(client.exchange("40|guarded||0|"), refused);
    assert_eq!(client.exchange("42|/|1|0|[\"ack\"]"), ["43|/|1|0|[]"]);
}

#[test]
fn a_decoder_that_panics_ends_its_session_only() {
    let server = Server::start(config());
    let (mut client, mut other) = (joined(&server), joined(&server));
    assert_eq!(client.exchange("4panic"), ["(closed)"]);
    assert_eq!(other.exchange("42|/|1|0|[\"ack\"]"), ["43|/|1|0|[]"]);
}

#[test]
fn an_event_that_cannot_be_written_is_an_error_of_its_emit() {
    let server = Server::start(config());
    let mut client = joined(&server);
    for (event, error) in [
        ("panics", "it panicked"),
        ("fails", "as asked"),
        ("nothing", "it wrote nothing"),
        ("separator", "its text holds the character U+001E"),
    ] {
        let answer = client.exchange(&format!("42|/|1|0|[\"say\",\"{event}\"]"));
        assert_eq!(answer, [format!("43|/|1|0|[\"{error}\"]")], "{event}");
        // From outside of any handler, too.
        assert!(server.io.emit(event, ()).is_err());
    }
    assert!(matches!(server.io.emit("connect", ()), Err(EmitError::Encode(_))));
    assert_eq!(client.exchange("42|/|2|0|[\"ack\"]"), ["43|/|2|0|[]"]);
}

#[test]
fn an_ack_that_cannot_be_written_becomes_an_error() {
    let server = Server::start(config());
    let mut client = joined(&server);
    for reply in ["panics", "fails", "nothing"] {
        let answer = client.exchange(&format!("42|/|1|0|[\"reply\",\"{reply}\"]"));
        assert_eq!(answer.len(), 1, "{answer:?}");
        let is_internal = answer[0].starts_with("43|/|1|0|[{\"error\":{\"code\":\"internal\"");
        assert!(is_internal, "{answer:?}");
        assert!(!answer[0].contains("secret"));
    }
}

#[test]
fn a_connect_whose_answer_cannot_be_written_ends_the_session() {
    struct Mute(Lines);
    impl Parser for Mute {
        fn encode(&self, _: &Outgoing<'_>) -> Result<Vec<Message>, EncodeError> {
            panic!("secret");
        }
        fn decoder(&self, limits: &DecoderLimits) -> Box<dyn Decoder> {
            self.0.decoder(limits)
        }
    }
    let notes = Notes::default();
    let noted = notes.clone();
    let server = Server::start(Io::builder().parser(Mute(Lines::default())).namespace("/", |ns| {
        ns.on_connection(move || noted.add("connected"));
    }));
    let mut client = server.websocket();
    assert_eq!(client.exchange("40|/||0|"), ["(closed)"]);
    assert_eq!(notes.take(), Vec::<String>::new());
    server.assert_empty();
}

// ---- unfinished packets -------------------------------------------------------------------------

#[test]
fn an_unfinished_packet_is_given_up_in_time() {
    let server = Server::start(config());
    let mut client = joined(&server);
    client.send("42|/||2|[\"echo\"]");
    server.advance(20 * SECOND);
    client.send_binary(b"1");
    server.advance(10 * SECOND);
    // The heartbeat goes on meanwhile.
    assert_eq!(client.exchange("3"), ["2"]);
    server.advance(20 * SECOND - TICK);
    assert_eq!(client.frames(), Vec::<String>::new());
    server.advance(2 * TICK);
    assert_eq!(client.frames(), ["(closed)"]);
}

#[test]
fn a_finished_packet_is_not_given_up() {
    let server = Server::start(config());
    let mut client = joined(&server);
    client.send("42|/||1|[\"echo\"]");
    client.send_binary(b"1");
    assert_eq!(client.frames(), ["42|/||0|[\"echo\"]"]);
    server.advance(24 * SECOND);
    assert_eq!(client.frames(), Vec::<String>::new());
    server.advance(2 * SECOND);
    assert_eq!(client.exchange("3"), ["2"]);
    server.advance(10 * SECOND);
    assert_eq!(client.exchange("42|/|1|0|[\"ack\"]"), ["43|/|1|0|[]"]);
}

#[test]
fn an_unfinished_packet_takes_a_bounded_number_of_bytes() {
    static PIECE: [u8; 100] = [0; 100];
    let mut config = config();
    let limits = &mut config.config_mut().limits;
    (limits.max_payload, limits.max_binary_packet) = (150, 801);
    let server = Server::start(config);
    let mut client = joined(&server);
    // 17 bytes, four times 100, none; each message counts 64 more.
    client.send("42|/||900|[\"echo\"]");
    for _ in 0..4 {
        client.send_binary(&PIECE);
    }
    client.send_binary(b"");
    assert_eq!(client.frames(), Vec::<String>::new());
    client.send_binary(b"");
    assert_eq!(client.frames(), ["(closed)"]);
}

#[test]
fn a_decoder_goes_with_its_session() {
    let lines = Lines::default();
    let decoders = Arc::clone(&lines.decoders);
    let notes = Notes::default();
    let noted = notes.clone();
    let count = Arc::clone(&decoders);
    let server = Server::start(Io::builder().parser(lines).namespace("/", |ns| {
        ns.on_disconnect(move |reason: DisconnectReason| {
            noted.add(format!("{reason}, {}", count.load(Ordering::Relaxed)));
        });
    }));
    let idle = server.websocket();
    assert_eq!(decoders.load(Ordering::Relaxed), 0);
    let mut client = joined(&server);
    assert_eq!(decoders.load(Ordering::Relaxed), 1);
    client.send("42|/||1|[\"echo\"]");
    client.drop_connection();
    assert_eq!(notes.take(), ["transport close, 0"]);
    drop(idle);
    server.assert_empty();
}

// ---- a conversation -----------------------------------------------------------------------------

#[test]
fn everything_a_server_says_is_in_its_parsers_words() {
    let server = Server::start(config());
    let (mut client, mut other) = (joined(&server), joined(&server));
    assert_eq!(
        client.exchange("40|/guarded||0|{}"),
        ["44|/guarded||0|{\"message\":\"no\",\"data\":7}"]
    );
    assert_eq!(
        client.exchange("40|/none||0|"),
        ["44|/none||0|{\"message\":\"Invalid namespace\"}"]
    );
    assert_eq!(client.exchange("42|/||0|[\"echo\",1,\"two\"]"), ["42|/||0|[\"echo\",1,\"two\"]"]);
    assert_eq!(client.exchange("42|/|7|0|[\"ack\",{\"a\":[]}]"), ["43|/|7|0|[{\"a\":[]}]"]);
    client.send("42|/|8|1|[\"ack\",{\"_placeholder\":true,\"num\":0}]");
    client.send_binary(&[1, 2]);
    assert_eq!(client.frames(), ["43|/|8|1|[{\"_placeholder\":true,\"num\":0}]", "<0102>"]);
    let news = ["42|/||0|[\"news\",true]"];
    assert_eq!(client.exchange("42|/||0|[\"shout\",true]"), news);
    assert_eq!(other.frames(), news);
    server.io.emit("bin", Binary(Bytes::from_static(&[9]))).unwrap();
    for client in [&mut client, &mut other] {
        let frames = ["42|/||1|[\"bin\",{\"_placeholder\":true,\"num\":0}]", "<09>"];
        assert_eq!(client.frames(), frames);
    }
    assert_eq!(other.exchange("42|/||0|[\"bye\"]"), ["41|/||0|"]);
    // An empty line in the default encoding.
    assert_eq!(other.exchange("40"), ["(closed)"]);
}

#[test]
fn a_client_answers_in_the_parsers_words() {
    let notes = Notes::default();
    let noted = notes.clone();
    let server = Server::start(Io::builder().parser(Lines::default()).namespace("/", |ns| {
        ns.on("go", async move |socket: Socket| {
            let answer = socket.emit_with_ack::<Rest<Value>>("q", 1, SECOND).await;
            noted.add(format!("{:?}", answer.map(|Rest(values)| values.len())));
        });
    }));
    let mut client = joined(&server);
    assert_eq!(client.exchange("42|/||0|[\"go\"]"), ["42|/|0|0|[\"q\",1]"]);
    assert_eq!(client.exchange("43|/|0|0|[1,2]"), Vec::<String>::new());
    assert_eq!(client.exchange("42|/||0|[\"go\"]"), ["42|/|1|0|[\"q\",1]"]);
    server.advance(SECOND + TICK);
    assert_eq!(notes.take(), ["Ok(2)", "Err(Timeout)"]);
}

#[test]
fn answers_are_told_before_the_server_closes_and_the_rest_is_dropped() {
    let gates = Gates::default();
    let gate = gates.clone();
    let server = Server::start(Io::builder().parser(Lines::default()).namespace("/", |ns| {
        ns.on("slow", async move || gate.wait("slow").await);
        ns.on("ack", |args: Rest<Value>| args);
    }));
    let mut client = server.polling();
    client.push("40|/||0|");
    client.poll();
    // An event with bytes, an answer with bytes, an event whose text looks like a default answer.
    server.io.emit("lost", Binary(Bytes::from_static(&[1]))).unwrap();
    client.push("42|/|5|1|[\"ack\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAgM=");
    server.io.emit("lost", ()).unwrap();
    client.push("42|/|6|0|[\"slow\"]");
    server.io.close();
    let told = client.poll().unwrap();
    let told: Vec<&str> = told.split('\u{1e}').collect();
    assert_eq!(told[..2], ["43|/|5|1|[{\"_placeholder\":true,\"num\":0}]", "bAgM="]);
    assert!(told[2].starts_with("43|/|6|0|[{\"error\":{\"code\":\"unavailable\""), "{told:?}");
    assert_eq!(told.len(), 3);
    gates.open("slow");
}
