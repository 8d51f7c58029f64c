//! `sio_actix::Server` in a process of its own: what its connections cost, and signals.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and one is a program"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::web::get;
use actix_web::{App, HttpResponse, HttpServer};
use integration::{DEADLINE, Http, Polling, Ws, echo};
use sio_actix::prelude::*;
use sio_actix::{Drain, health};

/// Bytes of a broadcast, and how many.
const LARGE: usize = 1_000_000;
const BROADCASTS: usize = 8;
const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

/// Serves until a signal comes; a line on stdin is a round of broadcasts.
#[test]
#[ignore = "the program that the other tests start"]
fn server() {
    let queued = 2 * BROADCASTS * LARGE;
    let io =
        Io::builder().limits(|limits| limits.send_buffer_max = queued).namespace("/", echo).build();
    let shouting = io.clone();
    std::thread::spawn(move || {
        let text = "x".repeat(LARGE);
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            for _ in 0..BROADCASTS {
                shouting.emit("m", &text).unwrap();
            }
        }
    });
    System::new().block_on(async move {
        let server = sio_actix::Server::new(move || App::new().configure(io.configure()))
            .workers(1)
            .shutdown_timeout(60)
            .bind(("127.0.0.1", 0))
            .unwrap();
        println!("\nlistening on {}", server.addrs().first().unwrap());
        server.run().await.unwrap();
    });
}

/// Serves until a signal comes, and gives a handler that never finishes a minute then.
#[test]
#[ignore = "a program that the other tests start"]
fn draining_server() {
    let drain = Drain::within(Duration::from_secs(60));
    let io = Io::builder().drain(drain).namespace("/", |ns| {
        echo(ns);
        ns.on("work", async || std::future::pending::<()>().await);
    });
    let io = io.build();
    System::new().block_on(async move {
        let app = move || {
            App::new()
                .configure(io.configure())
                .route("/live", health::live())
                .route("/ready", health::ready(&io))
        };
        let server = sio_actix::Server::new(app)
            .workers(1)
            .shutdown_timeout(60)
            .bind(("127.0.0.1", 0))
            .unwrap();
        println!("\nlistening on {}", server.addrs().first().unwrap());
        server.run().await.unwrap();
    });
}

/// Requests that [`waiting_server`] does not answer.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Serves until a signal comes, and waits for a minute for a request that it never answers.
#[test]
#[ignore = "a program that the other tests start"]
fn waiting_server() {
    let io = Io::builder().namespace("/", echo).build();
    let wait = async || -> HttpResponse {
        WAITING.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    };
    let waiting = async || WAITING.load(Ordering::Relaxed).to_string();
    System::new().block_on(async move {
        let app = move || {
            let app = App::new().configure(io.configure());
            app.route("/wait", get().to(wait)).route("/waiting", get().to(waiting))
        };
        let server = sio_actix::Server::new(app).workers(1).shutdown_timeout(60);
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        println!("\nlistening on {}", server.addrs().first().unwrap());
        server.run().await.unwrap();
    });
}

/// The HTTP server of actix with its own signals.
#[test]
#[ignore = "a program that the other tests start"]
fn stock_server() {
    let io = Io::builder().goodbye_on_sigterm().namespace("/", echo).build();
    System::new().block_on(async move {
        let server = HttpServer::new(move || App::new().configure(io.configure()))
            .workers(2)
            .shutdown_timeout(60)
            .bind(("127.0.0.1", 0))
            .unwrap();
        println!("\nlistening on {}", server.addrs().first().unwrap());
        server.run().await.unwrap();
    });
}

/// One of the servers above, in a process of its own.
struct Process {
    child: Child,
    input: ChildStdin,
    /// What is written there finds somebody to the end; it closes with the process.
    output: Option<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Process {
    fn start() -> Self {
        Self::start_program("server")
    }

    fn start_program(name: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = (&mut output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ")?.parse().ok())
            .unwrap();
        Self { input: child.stdin.take().unwrap(), output: Some(output), child, address }
    }

    fn resident_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    #[track_caller]
    fn expect_exit(&mut self) {
        let mut output = self.output.take().unwrap();
        let (ended, waits) = mpsc::channel();
        std::thread::spawn(move || ended.send(std::io::copy(&mut output, &mut std::io::sink())));
        assert!(waits.recv_timeout(DEADLINE).is_ok(), "the process runs on");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already where all is well.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[test]
fn signals_end_the_server_once_its_clients_are_told() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start();
        let mut idle = Http::connect_to(process.address);
        assert_eq!(idle.get("/nothing").status, 404);
        let mut ws = Ws::joined_at(process.address);
        let silent = Ws::joined_at(process.address);
        let mut polling = Polling::joined_at(process.address);
        polling.start_poll();
        process.signal(signal);
        ws.expect_close(Some(1001));
        let last = polling.finish_poll();
        assert!(last.text().ends_with('1'), "{last:?}");
        process.expect_exit();
        drop(silent);
    }
}

#[test]
fn a_second_signal_cuts_all_connections_off() {
    let mut process = Process::start_program("draining_server");
    let mut ws = Ws::joined_at(process.address);
    ws.text(r#"421["work"]"#);
    ws.fence();
    process.signal("TERM");
    // It waits for the handler, and is served meanwhile.
    while Http::connect_to(process.address).get(HANDSHAKE).status != 503 {
        std::thread::yield_now();
    }
    ws.fence();
    process.signal("TERM");
    ws.wire().take_to_end();
    process.expect_exit();
}

#[test]
fn sigterm_makes_the_server_unready_while_it_lives_on() {
    let mut process = Process::start_program("draining_server");
    let look = |process: &Process, path: &str| Http::connect_to(process.address).get(path);
    look(&process, "/ready").expect(200, r#"{"status":"ready"}"#);
    let mut ws = Ws::joined_at(process.address);
    ws.text(r#"421["work"]"#);
    ws.fence();
    process.signal("TERM");
    let end = Instant::now() + DEADLINE;
    while look(&process, "/ready").status != 503 {
        assert!(Instant::now() < end, "it is still ready");
        std::thread::yield_now();
    }
    let answer = look(&process, "/ready");
    answer.expect(503, r#"{"status":"draining"}"#);
    answer.expect_header("retry-after", "1");
    look(&process, "/live").expect(200, r#"{"status":"live"}"#);
    // Who is in is served on.
    ws.fence();
    process.signal("TERM");
    process.expect_exit();
}

#[test]
fn a_second_signal_ends_the_time_of_other_connections_too() {
    let mut process = Process::start_program("waiting_server");
    let mut ws = Ws::joined_at(process.address);
    let mut unanswered = Http::connect_to(process.address);
    unanswered.send("GET", "/wait", "", "");
    while Http::connect_to(process.address).get("/waiting").text() != "1" {
        std::thread::yield_now();
    }
    process.signal("TERM");
    ws.expect_close(Some(1001));
    // The goodbye is over once nobody is let in any more.
    let end = Instant::now() + DEADLINE;
    while TcpStream::connect(process.address).is_ok() {
        assert!(Instant::now() < end, "it goes on");
        std::thread::yield_now();
    }
    assert!(process.child.try_wait().unwrap().is_none(), "it did not wait");
    process.signal("INT");
    unanswered.into_wire().take_to_end();
    process.expect_exit();
}

#[test]
fn sigterm_ends_an_http_server_once_its_clients_are_told() {
    let mut process = Process::start_program("stock_server");
    let mut ws = Ws::joined_at(process.address);
    let silent = Ws::joined_at(process.address);
    let mut polling = Polling::joined_at(process.address);
    polling.start_poll();
    process.signal("TERM");
    ws.expect_close(Some(1001));
    let last = polling.finish_poll();
    assert!(last.text().ends_with('1'), "{last:?}");
    drop((polling, ws));
    process.expect_exit();
    drop(silent);
}

#[test]
fn idle_websocket_costs_a_few_kilobytes() {
    const COUNT: usize = 400;
    let process = Process::start();
    let open = || Ws::joined_at(process.address);
    // What every process needs once.
    let _first: Vec<Ws> = (0..50).map(|_| open()).collect();
    let before = process.resident_kib();
    let mut idle: Vec<Ws> = (0..COUNT).map(|_| open()).collect();
    for ws in &mut idle {
        ws.fence();
    }
    let each = (process.resident_kib() - before) as f64 / COUNT as f64;
    // Under `HttpServer` it is 13.
    assert!(each < 5.0, "{each} KiB");
}

#[test]
fn receivers_that_do_not_read_share_what_waits_for_them() {
    const RECEIVERS: usize = 100;
    let mut process = Process::start();
    let _deaf: Vec<Ws> = (0..RECEIVERS).map(|_| Ws::joined_at(process.address)).collect();
    let mut reader = Ws::joined_at(process.address);
    let before = process.resident_kib();
    process.input.write_all(b"\n").unwrap();
    for _ in 0..BROADCASTS {
        assert!(reader.next_text().len() > LARGE);
    }
    let grown = (process.resident_kib().saturating_sub(before)) / 1024;
    // The frames themselves are 8 MiB; of copies there would be 800.
    assert!(grown < 32, "{grown} MiB");
    reader.fence();
}
