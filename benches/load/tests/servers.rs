//! Every scenario against a server that does what it should, and against servers that do not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use actix_web::{App, HttpServer};
use load::{Options, Report, SCENARIOS, Scenario, Shape};
use sio_actix::IoBuilder;
use sio_actix::prelude::*;

/// An ordinary server of this repository on a thread of its own; it ends with the test's process.
fn serve(builder: IoBuilder) -> SocketAddr {
    let io = builder.build();
    let (bound, address) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || App::new().configure(io.configure()))
                .workers(1)
                .disable_signals()
                .tcp_nodelay(true)
                .bind(("127.0.0.1", 0))
                .unwrap();
            bound.send(server.addrs()[0]).unwrap();
            server.run().await
        })
    });
    address.recv_timeout(Duration::from_secs(10)).unwrap()
}

fn with(handlers: fn(&mut NamespaceBuilder)) -> SocketAddr {
    serve(Io::builder().namespace("/", handlers))
}

/// What `README.md` of the folder `benches` asks for.
struct Right;

#[ws_controller("/")]
impl Right {
    #[on_message("echo")]
    #[emit("echo")]
    fn echo(&self, payload: Value) -> Value {
        payload
    }

    #[on_message("publish")]
    #[broadcast("news")]
    fn publish(&self, payload: Value) -> Value {
        payload
    }

    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("publish_room")]
    fn publish_room(&self, ns: NamespaceRef, room: String, payload: Value) {
        ns.to(room).emit("news", payload).unwrap();
    }
}

/// Answers in time, with something else.
struct Wrong;

#[ws_controller("/")]
impl Wrong {
    #[on_message("echo")]
    #[emit("echo")]
    fn echo(&self, _payload: Value) -> &'static str {
        "something else"
    }

    #[on_message("publish")]
    #[broadcast("news")]
    fn publish(&self, _payload: Value) -> i32 {
        1
    }
}

/// A moment of a scenario, with few clients.
fn moment(mut scenario: Scenario, server: SocketAddr) -> Report {
    scenario.clients = 12;
    scenario.concurrency = scenario.concurrency.min(4);
    if let Shape::Room { rooms } = &mut scenario.shape {
        *rooms = (*rooms).min(3);
    }
    let mut options = Options::new(scenario, server);
    options.pid = Some(std::process::id());
    options.pace.warmup = Duration::from_millis(20);
    options.pace.measured = Duration::from_millis(80);
    options.pace.hold = Duration::from_millis(20);
    options.pace.settle = Duration::from_millis(20);
    options.pace.opening = Duration::from_secs(5);
    load::run(&options).unwrap()
}

fn named(name: &str) -> Scenario {
    Scenario::named(name).unwrap()
}

/// The scenario reports errors, and one of them says `word`.
fn fails(name: &str, server: SocketAddr, word: &str) {
    let report = moment(named(name), server);
    assert!(report.errors > 0, "{name}: {report}");
    let said = report.first_errors.iter().any(|error| error.contains(word));
    assert!(said, "{name}: {:?}", report.first_errors);
}

/// Answers every connection with these bytes, once it was asked something.
fn answers(with: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok() {
                stream.write_all(with.as_bytes()).ok();
            }
            open.push(stream);
        }
    });
    address
}

#[test]
fn wrong_answers_are_errors() {
    let server = serve(Io::builder().mount(Wrong));
    fails("ack1", server, "wrong ack");
    fails("ackbin", server, "wrong ack");
    fails("ev16", server, "wrong event");
    fails("poll", server, "wrong ack");
    fails("bc1000", server, "wrong event");
    fails("connup", server, "wrong ack");
}

#[test]
fn an_attachment_that_differs_is_an_error() {
    let server = with(|ns| {
        ns.on("echo", |payload: Binary| Binary(payload.0.slice(..100)));
    });
    fails("ackbin", server, "wrong attachment of 100 bytes");
}

#[test]
fn a_server_that_answers_nothing_is_an_error() {
    let silent = with(|ns| {
        ns.on("echo", |ack: AckSender| std::mem::forget(ack));
        ns.on("publish", || ());
    });
    fails("ack1", silent, "nothing came back");
    fails("bc1000", silent, "nothing came back");
}

#[test]
fn a_delivery_too_many_is_an_error() {
    let server = with(|ns| {
        ns.on("publish", |all: NamespaceRef, payload: Value| {
            all.emit("news", payload.clone()).unwrap();
            all.emit("news", payload).unwrap();
        });
    });
    fails("bc1000", server, "nobody published");
}

#[test]
fn what_is_no_socket_io_server_is_an_error() {
    let refuses = answers("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    fails("ack1", refuses, "no WebSocket: HTTP/1.1 404");
    fails("poll", refuses, "status 404");
    fails("conn", answers("220 ready\r\n\r\n"), "an answer without a status");
}

#[test]
fn nobody_there_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    fails("conn", address, "connect");
}

#[test]
fn every_scenario_runs_without_errors() {
    let server = serve(Io::builder().mount(Right));
    for &scenario in SCENARIOS {
        let report = moment(scenario, server);
        assert_eq!(report.errors, 0, "{report}");
        assert!(report.count > 0, "{report}");
        if matches!(scenario.shape, Shape::Connect) {
            assert_eq!(report.count, 12, "{report}");
        }
        let published = matches!(scenario.shape, Shape::Broadcast | Shape::Room { .. });
        assert_eq!(report.rounds.is_some_and(|rounds| rounds > 0), published, "{report}");
        assert!(report.to_json().contains(scenario.name));
        let measures_cpu = report.server_cpu_us.is_some_and(|each| each > 0.0);
        assert_eq!(measures_cpu, scenario.shape != Shape::Idle, "{report}");
    }
}
