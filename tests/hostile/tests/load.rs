//! Shapes of load: cases 87 to 93 of `docs/hostile.md`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use hostile::Target;
use integration::{Http, Server, Wire, Ws, echo, masked};
use sio_actix::prelude::*;

const TARGET: &str = env!("CARGO_BIN_EXE_target");
const MIB: usize = 1 << 20;

fn target() -> Target {
    Target::start(TARGET, &[])
}

/// A session whose handshake is sent and nothing read.
fn joined(target: &Target) -> Ws {
    Ws::joined_at(target.address())
}

#[test]
fn row_87_a_peer_that_asks_for_much_and_reads_nothing_is_not_read() {
    let target = target();
    let bystander = target.bystander();
    let mut ws = joined(&target);
    let before = target.memory();
    let ask = masked(0x81, format!(r#"42["echo","{}"]"#, "x".repeat(60_000)));
    ws.wire().set_write_timeout(Duration::from_millis(500));
    let mut written = 0;
    while written < 60 * MIB && ws.wire().try_write(&ask).is_ok() {
        written += ask.len();
    }
    assert!(written < 60 * MIB, "everything was read");
    let grown = target.memory().saturating_sub(before);
    // Twice what may wait for one session.
    assert!(grown < 8 * MIB, "{grown} bytes more");
    bystander.unharmed();
}

#[test]
fn row_88_one_slow_reader_in_a_room_costs_the_others_nothing() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on_connection(|socket: Socket| {
                    socket.join("room");
                });
            })
        },
        2,
    );
    let mut members: Vec<Ws> = (0..20).map(|_| Ws::joined(&server)).collect();
    let slow = Ws::joined(&server);
    let text = "x".repeat(20_000);
    let mut longest = Duration::ZERO;
    for n in 0..1_000 {
        let begin = Instant::now();
        server.io().to("room").emit("m", (n, &text)).unwrap();
        // The call itself waits for nobody.
        longest = longest.max(begin.elapsed());
        for member in &mut members {
            assert!(member.next_text().starts_with(&format!(r#"42["m",{n},"#)));
        }
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    let end = Instant::now() + integration::DEADLINE;
    while server.io().session_count() > members.len() {
        assert!(Instant::now() < end, "the slow one is still there");
        std::thread::yield_now();
    }
    drop(slow);
}

#[test]
fn row_89_a_herd_that_is_cut_off_and_comes_back_is_served_beside_those_who_stayed() {
    let target = target();
    let bystander = target.bystander();
    let mut stayed = joined(&target);
    let herd: Vec<Ws> = (0..300).map(|_| joined(&target)).collect();
    for ws in herd {
        ws.into_wire().reset();
    }
    let begin = Instant::now();
    let handshake = Ws::handshake("/socket.io/?EIO=4&transport=websocket");
    // All of them at once, before anybody is answered.
    let mut back: Vec<Http> = (0..300)
        .map(|_| {
            let mut http = Http::connect_to(target.address());
            http.write(&handshake);
            http
        })
        .collect();
    for http in &mut back {
        assert_eq!(http.response().status, 101);
    }
    for http in back {
        let mut ws = Ws::over(http.into_wire());
        assert!(ws.next_text().starts_with('0'));
        ws.join();
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    stayed.text(r#"421["echo",1]"#);
    stayed.expect_through_pings("431[1]");
    bystander.unharmed();
}

#[test]
fn row_90_connections_that_are_reset_leave_nothing_behind() {
    let target = target();
    let bystander = target.bystander();
    let descriptors = target.descriptors();
    let round = |count: usize| {
        for n in 0..count {
            match n % 3 {
                0 => joined(&target).into_wire().reset(),
                1 => Http::connect_to(target.address()).into_wire().reset(),
                _ => {
                    let mut http = Http::connect_to(target.address());
                    http.write("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n");
                    http.into_wire().reset();
                }
            }
        }
        target.expect_descriptors(descriptors);
        target.memory()
    };
    let warm = round(1_500);
    let after = round(1_500);
    assert!(after < warm + warm / 20 + MIB, "{warm} bytes grew to {after}");
    bystander.unharmed();
}

#[test]
fn row_91_an_idle_session_costs_less_than_ten_kibibytes() {
    const COUNT: usize = 500;
    let target = target();
    let _warm: Vec<Ws> = (0..50).map(|_| joined(&target)).collect();
    let before = target.memory();
    let idle: Vec<Ws> = (0..COUNT).map(|_| joined(&target)).collect();
    let each = target.memory().saturating_sub(before) / COUNT;
    assert!(each < 10 * 1024, "{each} bytes");
    drop(idle);
}

#[test]
fn row_92_rooms_that_come_and_go_leave_nothing_behind() {
    let target = target();
    let bystander = target.bystander();
    let mut ws = joined(&target);
    let mut rounds = |count: usize| {
        for round in 0..count {
            let joins: Vec<u8> = (0..1_000)
                .flat_map(|n| masked(0x81, format!(r#"42["join","room {round} {n}"]"#)))
                .collect();
            ws.wire().write(joins);
            ws.text(r#"421["echo",1]"#);
            ws.expect_through_pings("431[1]");
            // It leaves them all.
            ws.text("41");
            ws.join();
        }
        target.memory()
    };
    let warm = rounds(5);
    let after = rounds(45);
    assert!(after < warm + 2 * MIB, "{warm} bytes grew to {after}");
    bystander.unharmed();
}

/// Processor time of the process so far.
fn busy(target: &Target) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", target.pid())).unwrap();
    // Its user and system time, in hundredths of a second.
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn row_93_without_descriptors_nobody_new_is_accepted_and_nobody_else_is_harmed() {
    let script = format!("ulimit -n 80; exec {TARGET} --workers 2");
    let target = Target::start("/bin/sh", &["-c", &script]);
    let bystander = target.bystander();
    let mut inside = joined(&target);
    // The system completes what the server cannot accept.
    let mut crowd: Vec<Wire> = (0..120).map(|_| Wire::connect_to(target.address())).collect();
    let end = Instant::now() + integration::DEADLINE;
    while target.descriptors() < 75 {
        assert!(Instant::now() < end, "only {} descriptors", target.descriptors());
        std::thread::yield_now();
    }
    let before = busy(&target);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(1) {
        inside.text(r#"421["echo",1]"#);
        inside.expect_through_pings("431[1]");
        rest(Duration::from_millis(20));
    }
    let spent = busy(&target).saturating_sub(before);
    assert!(spent < Duration::from_millis(500), "{spent:?} of a second");
    crowd.clear();
    // There is room again.
    let mut later = joined(&target);
    later.text(r#"421["echo",2]"#);
    later.expect("431[2]");
    bystander.unharmed();
}

#[test]
fn row_94_a_process_that_was_suspended_goes_on_with_its_sessions() {
    let options = r#"{"pingInterval":300,"pingTimeout":600}"#;
    let target = Target::start(TARGET, &["--options", options]);
    let mut ws = joined(&target);
    let signal = |name: &str| {
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &target.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    };
    signal("STOP");
    // Longer than a heartbeat may take, and than a timer may be late.
    rest(Duration::from_secs(3));
    signal("CONT");
    for _ in 0..4 {
        ws.expect("2");
        ws.text("3");
    }
    ws.text(r#"421["echo",1]"#);
    ws.expect_through_pings("431[1]");
}

fn rest(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "what is tested is that time passes")]
    std::thread::sleep(time);
}
