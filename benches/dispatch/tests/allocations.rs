//! How often events allocate once everything that is kept has grown: mostly never.
//!
//! What is counted is the whole process, so the tests of this file run one after another. They assert upper
//! bounds per 1,000 events of one kind; what is above 0 says why.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::alloc::System;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

use actix_web::{App, HttpServer};
use serde::{Deserialize, Serialize};
use sio_actix::Transport;
use sio_actix::core::server::{Connection, HandshakeParts, Opening, Worker};
use sio_actix::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const EVENTS: usize = 1_000;
/// What other threads of the test program may add; an allocation per event is far more.
const OTHERS: usize = EVENTS / 20;
const DEADLINE: Duration = Duration::from_secs(30);

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn allocations(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.allocations + change.reallocations
}

#[derive(Debug, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: f64,
    visible: bool,
}

fn is_event(cx: &EventCx<'_>) -> bool {
    !cx.event().is_empty()
}

async fn pass(_: &EventCx<'_>, next: Next) -> Reply {
    next.run().await
}

struct Handlers;

#[ws_controller("/")]
impl Handlers {
    #[on_message("nothing")]
    fn nothing(&self) {}

    #[on_message("guarded")]
    #[guard(is_event)]
    fn guarded(&self, value: u32) -> u32 {
        value
    }

    #[on_message("sum")]
    #[emit("sum")]
    fn sum(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    #[on_message("point")]
    #[emit("point")]
    fn point(&self, point: Point) -> Point {
        point
    }

    #[on_message("value")]
    #[emit("value")]
    fn value(&self, value: Value) -> Value {
        value
    }

    #[on_message("text")]
    #[emit("text")]
    fn text(&self, text: String) -> String {
        text
    }

    #[on_message("fixed")]
    #[emit("fixed")]
    fn fixed(&self) -> &'static str {
        "always the same, and nothing in it needs an escape"
    }

    #[on_message("socket")]
    fn socket(&self, socket: Socket, value: bool) -> Result<bool, EmitError> {
        socket.emit("seen", value)?;
        Ok(value)
    }

    #[on_message("several")]
    fn several(&self, a: Option<u8>, b: char, rest: Option<f64>) -> (Option<u8>, char, bool) {
        (a, b, rest.is_some())
    }

    #[on_message("async")]
    async fn no_wait(&self, value: i64) -> i64 {
        value
    }

    #[on_message("wrapped")]
    #[middleware(pass)]
    fn wrapped(&self, value: i64) -> i64 {
        value
    }
}

fn closures(ns: &mut NamespaceBuilder) {
    ns.on("closure", |a: i64, b: i64| a + b);
    ns.on("async closure", async |a: i64| a);
}

fn connected(io: &Io) -> (Rc<Worker>, Rc<Connection>) {
    let (worker, _) = Worker::start(io, Instant::now);
    let parts = HandshakeParts {
        headers: &[("host", "localhost")],
        url: "/socket.io/?EIO=4&transport=websocket",
        address: None,
        secure: false,
        time: SystemTime::UNIX_EPOCH,
    };
    let opening = Opening::new(Handshake::new(&parts), Transport::Websocket);
    let connection = worker.open(opening).unwrap();
    worker.begin_turn(&connection);
    worker.receive_text(&connection, "40");
    worker.keep_buffer(worker.end_turn(&connection));
    (worker, connection)
}

/// Turns of a busy client; what is said is written and the buffer comes back.
fn run(worker: &Worker, connection: &Rc<Connection>, frame: &str, events: usize) -> usize {
    const TURN: usize = 10;
    let mut said = 0;
    for _ in 0..events / TURN {
        worker.catch_up();
        worker.tick();
        worker.begin_turn(connection);
        for _ in 0..TURN {
            worker.receive_text(connection, frame);
        }
        let mut buffer = worker.end_turn(connection);
        let written = buffer.split().freeze();
        worker.keep_buffer(buffer);
        said += written.len();
    }
    said
}

/// Checks each frame's bound, given per event.
fn check(cases: &[(&str, usize)]) {
    let _alone = alone();
    let io = Io::builder().mount(Handlers).namespace("/", closures).build();
    let (worker, connection) = connected(&io);
    let mut found = Vec::new();
    for (frame, per_event) in cases {
        run(&worker, &connection, frame, 100);
        let region = Region::new(ALLOCATOR);
        let said = run(&worker, &connection, frame, EVENTS);
        let allocated = allocations(&region);
        // An event that is refused, or has no handler, would cost nothing either.
        let silent = *frame == "42[\"nothing\"]";
        assert_eq!(said == 0, silent, "{frame}");
        if allocated > per_event * EVENTS + OTHERS {
            found.push(format!("{frame}: {allocated} in {EVENTS} events, not {per_event} each"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    worker.stop();
}

#[test]
fn an_event_with_plain_arguments_allocates_nothing() {
    check(&[
        ("42[\"nothing\"]", 0),
        ("427[\"nothing\"]", 0),
        ("427[\"guarded\",17]", 0),
        ("427[\"sum\",1,-2]", 0),
        ("42[\"sum\",1,-2]", 0),
        ("427[\"closure\",1,2]", 0),
        ("427[\"point\",{\"x\":1.5,\"y\":-2,\"visible\":true}]", 0),
        ("42[\"point\",{\"x\":1.5,\"y\":-2,\"visible\":true}]", 0),
        ("427[\"value\",12]", 0),
        ("42[\"value\",null]", 0),
        ("427[\"fixed\"]", 0),
        ("42[\"fixed\"]", 0),
        ("427[\"socket\",true]", 0),
        ("42[\"socket\",false]", 0),
        ("427[\"several\",null,\"x\",1e3]", 0),
    ]);
}

#[test]
fn a_text_that_the_handler_owns_is_one_allocation() {
    check(&[
        ("427[\"text\",\"sixteen bytes ..\"]", 1),
        ("42[\"text\",\"sixteen bytes ..\"]", 1),
        ("427[\"value\",\"sixteen bytes ..\"]", 1),
        ("42[\"value\",\"sixteen bytes ..\"]", 1),
        // The parser gathers what it has read of an escaped one in a buffer of its own, which grows.
        ("427[\"text\",\"with \\\"escapes\\\"\"]", 3),
    ]);
}

#[test]
fn an_async_handler_that_does_not_wait_is_one_allocation() {
    check(&[("427[\"async\",5]", 1), ("427[\"async closure\",5]", 1)]);
}

#[test]
fn a_handler_behind_a_middleware_allocates_a_bounded_number_of_times() {
    // What it needs to wait is owned: context, arguments, the futures of the chain, and what drops them with
    // their socket.
    check(&[("427[\"wrapped\",1]", 14)]);
}

// ---- over a connection ----------------------------------------------------------------------------

/// A server on a thread of its own, with one worker.
fn serve() -> SocketAddr {
    let (told, address) = mpsc::channel();
    std::thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let io = Io::builder().mount(Handlers).build();
            let server = HttpServer::new(move || App::new().configure(io.configure()))
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .unwrap();
            told.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    address.recv_timeout(DEADLINE).unwrap()
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut client = Self { stream, buffer: Vec::with_capacity(4096) };
        let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
            Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.stream.write_all(request.as_bytes()).unwrap();
        client.read_until(b"\"maxPayload\":1000000}");
        client.stream.write_all(&masked("40")).unwrap();
        client.read_until(b"\"}");
        client
    }

    fn read_until(&mut self, end: &[u8]) {
        while !self.buffer.ends_with(end) {
            let mut part = [0; 1024];
            let len = self.stream.read(&mut part).unwrap();
            assert!(len > 0, "closed after {:?}", String::from_utf8_lossy(&self.buffer));
            self.buffer.extend_from_slice(&part[..len]);
        }
        self.buffer.clear();
    }

    /// One event after the other, each behind the answer to the one before.
    fn ask(&mut self, frame: &[u8], answer: &[u8], times: usize) {
        let mut got = [0; 128];
        for _ in 0..times {
            self.stream.write_all(frame).unwrap();
            self.stream.read_exact(&mut got[..answer.len()]).unwrap();
            assert_eq!(&got[..answer.len()], answer);
        }
    }
}

fn masked(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).unwrap();
    assert!(len < 126);
    let head = [0x81, 0x80 | len, 0, 0, 0, 0];
    [&head, text.as_bytes()].concat()
}

fn unmasked(text: &str) -> Vec<u8> {
    [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

#[test]
fn a_turn_under_the_stock_http_server_allocates_nothing() {
    let _alone = alone();
    let mut client = Client::connect(serve());
    let (frame, answer) = (masked("427[\"sum\",1,-2]"), unmasked("437[-1]"));
    client.ask(&frame, &answer, 300);
    let region = Region::new(ALLOCATOR);
    client.ask(&frame, &answer, EVENTS);
    let allocated = allocations(&region);
    assert!(allocated <= OTHERS, "{allocated} in {EVENTS} turns");
}
