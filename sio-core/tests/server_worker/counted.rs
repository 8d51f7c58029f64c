//! Bounds that stop somebody are counted, each under its name; what else observers are told of.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sio_core::close::{CloseReason, DisconnectReason};
use sio_core::engine::Transport;
use sio_core::limits::{Limit, Limits, SendPolicy};
use sio_core::packet::{Rest, Value};
use sio_core::server::{
    HandledEvent, Interest, Io, IoConfig, Namespace, Observer, Pattern, Recovery, SessionHandle,
    Socket,
};

use crate::carrier::Server;
use crate::tools::{Gates, Notes};

const SECOND: Duration = Duration::from_secs(1);

fn limited(change: impl FnOnce(&mut Limits)) -> Server {
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("echo", |args: Rest<Value>| args);
        ns.on("join", |socket: Socket, rooms: Vec<String>| socket.join(&rooms));
    });
    change(&mut config.config_mut().limits);
    Server::start(config)
}

/// All that was reached, and how often.
fn reached(server: &Server) -> Vec<(&'static str, u64)> {
    let counts = server.io.hub().limits_reached();
    counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(limit, count)| (limit.name(), count))
        .collect()
}

// ---- limits -------------------------------------------------------------------------------------

#[test]
fn packets_above_a_limit_are_counted() {
    let depth = "[".repeat(9) + &"]".repeat(9);
    for (packet, limit) in [
        (r#"453-["echo"]"#.to_owned(), "max_attachments"),
        (format!(r#"42["echo",{depth}]"#), "max_json_depth"),
        ("40/abcdefghijk,".to_owned(), "max_namespace_len"),
    ] {
        let server = limited(|limits| {
            limits.max_attachments = 2;
            limits.max_json_depth = 8;
            limits.max_namespace_len = 10;
        });
        let mut client = server.joined();
        assert_eq!(client.exchange(&packet), ["(closed)"]);
        assert_eq!(reached(&server), [(limit, 1)]);
    }
}

#[test]
fn attachments_that_are_too_large_too_late_or_too_many_together_are_counted() {
    let packet = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    let server = limited(|limits| limits.max_binary_packet = 2);
    let mut client = server.joined();
    client.send(packet);
    client.send_binary(b"abc");
    assert_eq!(reached(&server), [("max_binary_packet", 1)]);

    let server = limited(|limits| limits.attachment_timeout = SECOND);
    let mut client = server.joined();
    client.send(packet);
    server.advance(2 * SECOND);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(reached(&server), [("attachment_timeout", 1)]);

    let server = limited(|limits| limits.max_pending_input = 70_000);
    let mut client = server.joined();
    client.send(&packet.replace("451", "452"));
    client.send_binary(&[7; 80_000]);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(reached(&server), [("max_pending_input", 1)]);
}

#[test]
fn connects_and_namespaces_above_a_limit_are_counted() {
    let server = limited(|limits| limits.max_namespaces = 1);
    let mut client = server.joined();
    client.exchange("40/other,");
    assert_eq!(reached(&server), [("max_namespaces", 1)]);

    let server = limited(|limits| limits.max_connect_failures = 2);
    let mut client = server.joined();
    client.send_all(&["40/a,", "40/b,", "40/c,"]);
    assert_eq!(reached(&server), [("max_connect_failures", 1)]);

    let mut config = Io::builder().namespace("/org/{org}", |_| {});
    config.config_mut().limits.max_dynamic_namespaces = 1;
    let server = Server::start(config);
    let mut client = server.websocket();
    client.connect("/org/a");
    client.exchange("40/org/b,");
    assert_eq!(reached(&server), [("max_dynamic_namespaces", 1)]);
}

#[test]
fn a_session_that_joins_nothing_or_is_not_polled_at_its_end_is_counted() {
    let server = limited(|_| {});
    let _client = server.websocket();
    let mut polling = server.joined_by_polling();
    server.advance(24 * SECOND);
    // The ping, and its pong.
    assert_eq!(polling.poll(), None);
    server.advance(SECOND);
    assert_eq!(polling.answer().as_deref(), Some("2"));
    assert_eq!(polling.push("3").as_deref(), Some("ok"));
    server.advance(15 * SECOND);
    assert_eq!(reached(&server), [("connect_timeout", 0); 0]);
    server.io.disconnect_sockets(true);
    server.advance(31 * SECOND);
    let counts = server.io.hub().limits_reached();
    assert_eq!(counts.of(Limit::CloseTimeout), 1);
}

#[test]
fn a_session_that_joins_nothing_is_counted() {
    let mut config = Io::builder();
    config.config_mut().connect_timeout = SECOND;
    let server = Server::start(config);
    let mut client = server.websocket();
    server.advance(2 * SECOND);
    assert_eq!(client.frames(), ["(closed)"]);
    assert_eq!(reached(&server), [("connect_timeout", 1)]);
}

#[test]
fn queues_that_overflow_are_counted_by_what_is_too_much() {
    let server = limited(|limits| limits.send_buffer_max = 500);
    let _client = server.joined();
    server.io.emit("m", "x".repeat(500)).unwrap();
    assert_eq!(reached(&server), [("send_buffer_max", 1)]);

    let server = limited(|limits| limits.send_buffer_max_frames = 2);
    let _client = server.joined();
    (0..3).for_each(|n| server.io.emit("m", n).unwrap());
    assert_eq!(reached(&server), [("send_buffer_max_frames", 1)]);

    let server = limited(|limits| limits.send_buffer_high = 10_000);
    let mut client = server.joined();
    server.io.emit("m", "x".repeat(300_000)).unwrap();
    client.frames();
    assert_eq!(reached(&server), [("send_buffer_high", 1)]);
}

#[test]
fn what_a_policy_drops_is_counted_as_events() {
    for (policy, dropped) in [(SendPolicy::DropNew, 3), (SendPolicy::DropOldest, 3)] {
        let mut config = Io::builder().observer(Arc::new(Counting)).namespace("/", |_| {});
        config.config_mut().limits.send_policy = policy;
        config.config_mut().limits.send_buffer_max_frames = 2;
        let server = Server::start(config);
        let _client = server.joined();
        (0..5).for_each(|n| server.io.emit("m", n).unwrap());
        assert_eq!(server.io.traffic().events_dropped, dropped, "{policy:?}");
        assert_eq!(reached(&server), [("", 0); 0]);
    }
}

/// Wants to know of traffic.
struct Counting;

impl Observer for Counting {
    fn interest(&self) -> Interest {
        Interest::LIVES.and_traffic()
    }
}

#[test]
fn acks_rates_rooms_and_handlers_above_a_limit_are_counted() {
    let server = limited(|limits| limits.max_pending_acks = 1);
    let _client = server.joined();
    let socket = server.sockets().pop().unwrap();
    let _first = socket.emit_with_ack::<()>("q", (), SECOND);
    let _second = socket.emit_with_ack::<()>("q", (), SECOND);
    assert_eq!(reached(&server), [("max_pending_acks", 1)]);

    let server = limited(|limits| limits.max_events_per_second = 1);
    let mut client = server.joined();
    client.send_all(&[r#"42["echo"]"#; 3]);
    assert_eq!(reached(&server), [("max_events_per_second", 2)]);

    let server = limited(|limits| limits.max_rooms = 1);
    let mut client = server.joined();
    client.exchange(r#"42["join",["a","b"]]"#);
    assert_eq!(reached(&server), [("max_rooms", 1)]);

    let gates = Gates::default();
    let gate = gates.clone();
    let mut config = Io::builder().namespace("/", |ns| {
        ns.on("work", async move || gate.wait("gate").await);
    });
    config.config_mut().limits.max_handlers = 1;
    let server = Server::start(config);
    let mut client = server.joined();
    client.send_all(&[r#"42["work"]"#; 2]);
    assert_eq!(reached(&server), [("max_handlers", 1)]);
    gates.open("gate");
    client.frames();
}

#[test]
fn sessions_above_a_limit_are_counted() {
    let server = limited(|limits| limits.max_connections = 1);
    let _first = server.websocket();
    assert!(server.try_open(Transport::Websocket).is_none());
    assert_eq!(reached(&server), [("max_connections", 1)]);
}

#[test]
fn packets_without_messages_above_the_limit_are_counted() {
    let server = limited(|limits| limits.max_idle_packets = 2);
    let mut client = server.joined_by_polling();
    client.push("3\x1e3\x1e3");
    assert_eq!(reached(&server), [("max_idle_packets", 1)]);
}

#[test]
fn what_a_workers_queue_has_no_room_for_is_counted() {
    let server = limited(|limits| limits.max_worker_queue = 1);
    let io = server.io.clone();
    let refused = std::thread::spawn(move || (io.emit("m", 1).is_ok(), io.emit("m", 2).is_ok()));
    assert_eq!(refused.join().unwrap(), (true, false));
    assert_eq!(reached(&server), [("max_worker_queue", 1)]);

    let server = limited(|limits| limits.max_worker_queue_bytes = 10);
    let io = server.io.clone();
    let refused =
        std::thread::spawn(move || (io.emit("m", "x".repeat(10)).is_ok(), io.emit("m", 2).is_ok()));
    assert_eq!(refused.join().unwrap(), (true, false));
    assert_eq!(reached(&server), [("max_worker_queue_bytes", 1)]);
}

#[test]
fn what_is_forgotten_of_clients_that_come_back_is_counted() {
    fn recovering(change: impl FnOnce(&mut Limits)) -> Server {
        let mut config = Io::builder();
        config.config_mut().recovery = Some(Recovery::default());
        change(&mut config.config_mut().limits);
        Server::start(config)
    }
    let server = recovering(|limits| limits.max_recovery_packets = 2);
    (0..5).for_each(|n| server.io.emit("m", n).unwrap());
    assert_eq!(reached(&server), [("max_recovery_packets", 3)]);

    let server = recovering(|limits| limits.max_recovery_bytes = 1_000);
    (0..2).for_each(|_| server.io.emit("m", "x".repeat(700)).unwrap());
    assert_eq!(reached(&server), [("max_recovery_bytes", 1)]);

    let server = recovering(|limits| limits.max_recovery_bytes_total = 1_000);
    (0..2).for_each(|_| server.io.emit("m", "x".repeat(700)).unwrap());
    assert_eq!(reached(&server), [("max_recovery_bytes_total", 1)]);

    let server = recovering(|limits| limits.max_recovery_sockets = 1);
    let mut clients = [server.joined(), server.joined()];
    clients.iter_mut().for_each(|client| client.drop_connection());
    assert_eq!(reached(&server), [("max_recovery_sockets", 1)]);
}

#[test]
fn a_hook_for_rooms_that_misses_events_is_counted() {
    let server = Arc::new(std::sync::OnceLock::<Io>::new());
    let seen = Arc::clone(&server);
    let mut config = Io::builder()
        .on_room_event(move |_| {
            // Events that this causes wait until it has returned.
            if let Some(io) = seen.get() {
                io.sockets_join(["a", "b", "c"]);
            }
        })
        .namespace("/", |_| {});
    config.config_mut().limits.max_room_events = 2;
    let running = Server::start(config);
    let _client = running.joined();
    server.set(running.io.clone()).unwrap();
    running.sockets()[0].join("first");
    let counts = running.io.hub().limits_reached();
    assert!(counts.of(Limit::MaxRoomEvents) >= 1, "{:?}", reached(&running));
}

// ---- what else observers are told of ------------------------------------------------------------

/// Notes what it is told.
struct Noting(Notes);

impl Observer for Noting {
    fn interest(&self) -> Interest {
        Interest::LIVES.and_events()
    }

    fn worker_started(&self) {
        self.0.add("worker");
    }

    fn session_opened(&self, session: &Arc<SessionHandle>) {
        self.0.add(format!("open {}", session.transport().as_str()));
    }

    fn session_closed(&self, _session: &Arc<SessionHandle>, reason: CloseReason) {
        self.0.add(format!("close {}", reason.disconnect_reason()));
    }

    fn socket_connected(&self, socket: &Socket) {
        let namespace = socket.namespace();
        self.0.add(format!("connect {} {:?}", namespace.path(), namespace.registered_as()));
    }

    fn socket_disconnected(&self, socket: &Socket, reason: DisconnectReason) {
        self.0.add(format!("disconnect {} {reason}", socket.namespace().path()));
    }

    fn event_handled(&self, handled: &HandledEvent<'_>) {
        let (event, registered) = (handled.event, handled.is_registered());
        self.0.add(format!("{event} {registered} {:?}", handled.error.map(|error| error.code())));
    }

    fn events_sent(&self, namespace: &Namespace, receivers: usize) {
        self.0.add(format!("sent {} {receivers}", namespace.path()));
    }

    fn acks_timed_out(&self, namespace: &Namespace, clients: usize) {
        self.0.add(format!("late {} {clients}", namespace.path()));
    }
}

fn noting(notes: &Notes) -> IoConfig {
    Io::builder().observer(Arc::new(Noting(notes.clone())))
}

#[test]
fn clients_that_do_not_answer_in_time_are_told_of() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes).namespace("/", |_| {}));
    let mut clients = [server.joined(), server.joined(), server.joined()];
    notes.take();
    let _one = server.sockets()[0].emit_with_ack::<()>("q", (), SECOND);
    let _all = server.io.emit_with_ack::<()>("q", (), 2 * SECOND);
    clients[0].frames();
    clients[0].send("431[]");
    clients.iter_mut().for_each(|client| drop(client.frames()));
    assert_eq!(notes.take(), ["sent / 1", "sent / 3"]);
    server.advance(SECOND + Duration::from_millis(10));
    assert_eq!(notes.take(), ["late / 1"]);
    server.advance(SECOND);
    assert_eq!(notes.take(), ["late / 2"]);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_not_late() {
    let notes = Notes::default();
    let server = Server::start(noting(&notes).namespace("/", |_| {}));
    let mut client = server.joined();
    notes.take();
    drop(server.io.emit_with_ack::<()>("q", (), SECOND));
    server.advance(2 * SECOND);
    client.frames();
    assert_eq!(notes.take(), ["sent / 1"]);
}

#[test]
fn an_emit_that_is_refused_is_not_sent() {
    let notes = Notes::default();
    let mut config = noting(&notes).namespace("/", |_| {});
    config.config_mut().limits.max_pending_acks = 0;
    let server = Server::start(config);
    let _client = server.joined();
    notes.take();
    let _refused = server.sockets()[0].emit_with_ack::<()>("q", (), SECOND);
    assert_eq!(notes.take(), [""; 0]);
}

#[test]
fn names_that_clients_choose_are_told_from_those_of_the_application() {
    let notes = Notes::default();
    let config = noting(&notes)
        .namespace("/org/{org}", |ns| {
            ns.on("known", || ());
            ns.fallback(|| ());
        })
        .namespace(Pattern::matching(|name| name == "/odd"), |_| {});
    let server = Server::start(config);
    let mut client = server.websocket();
    client.connect("/org/acme");
    client.connect("/odd");
    client.send_all(&[r#"42/org/acme,["known"]"#, r#"42/org/acme,["made-up"]"#]);
    client.drop_connection();
    assert_eq!(
        notes.take(),
        [
            "worker",
            "open websocket",
            r#"connect /org/acme Some("/org/{org}")"#,
            r#"connect /odd Some("a function")"#,
            "known true None",
            "made-up false None",
            "close transport close",
            "disconnect /org/acme transport close",
            "disconnect /odd transport close",
        ]
    );
}

#[test]
fn what_waits_and_who_is_on_a_websocket_is_in_the_inventory() {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let server = limited(|_| {});
    let (_polling, _websocket) = (server.joined_by_polling(), server.joined());
    server.io.emit("m", "x".repeat(1_000)).unwrap();
    let inventory = pin!(server.io.inventory()).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(inventory) = inventory else { panic!("the only worker has not answered") };
    assert_eq!((inventory.sessions, inventory.websockets), (2, 1));
    assert_eq!(inventory.queued_packets, 2);
    assert!((2_000..2_100).contains(&inventory.queued_bytes), "{}", inventory.queued_bytes);
}

#[test]
fn a_push_is_counted_by_its_message() {
    let server = Server::start(Io::builder().observer(Arc::new(Counting)).namespace("/", |ns| {
        ns.on("echo", |args: Rest<Value>| args);
    }));
    let mut client = server.joined_by_polling();
    let before = server.io.traffic();
    let body = Bytes::from_static(b"420[\"echo\",1]");
    client.push(std::str::from_utf8(&body).unwrap());
    client.poll();
    let after = server.io.traffic();
    assert_eq!(after.packets_in - before.packets_in, 1);
    assert_eq!(after.bytes_in - before.bytes_in, body.len() as u64 - 1);
    assert_eq!(after.packets_out - before.packets_out, 1);
    assert_eq!(after.bytes_out - before.bytes_out, "30[1]".len() as u64);
}
