//! What is delivered, and in which order: promises 1 to 8 of `docs/hostile.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use hostile::Bystander;
use integration::{Journal, Polling, Server, Ws, echo, masked};
use sio_actix::prelude::*;

/// The number in an event `m` of the server.
#[track_caller]
fn number(packet: &str) -> u64 {
    let text = packet.strip_prefix(r#"42["m","#).unwrap_or_else(|| panic!("{packet}"));
    text.trim_end_matches(']').parse().unwrap()
}

/// The ack id of an event of the server.
#[track_caller]
fn ack_id(packet: &str) -> String {
    let text = packet.strip_prefix("42").unwrap_or_else(|| panic!("{packet}"));
    text.split('[').next().unwrap().to_owned()
}

#[test]
fn promise_01_what_is_emitted_arrives_once_and_promise_02_nothing_of_it_is_lost() {
    let server = Server::start(|io| io.namespace("/", echo), 2);
    let bystander = Bystander::watch(server.address());
    let mut ws = Ws::open(&server);
    let mut polling = Polling::open(&server);
    let rooms = [ws.join(), polling.join()];
    for n in 0..2_000 {
        server.io().to(rooms.clone()).emit("m", n).unwrap();
    }
    for n in 0..2_000 {
        assert_eq!(number(&ws.next_text()), n);
    }
    ws.fence();
    let packets = polling.poll_packets(2_000);
    assert!(packets.iter().map(|packet| number(packet)).eq(0..2_000));
    polling.fence();
    bystander.unharmed();
}

#[test]
fn promise_02_who_is_given_up_is_told_of_and_what_is_not_taken_is_an_error() {
    let (server, journal) =
        Server::recorded(|io| io.limits(|limits| limits.send_buffer_max = 100_000), 1);
    let polling = Polling::joined(&server);
    let text = "x".repeat(60_000);
    server.io().emit("m", &text).unwrap();
    server.io().emit("m", &text).unwrap();
    journal.expect("transport error");
    server.io().emit("disconnect", ()).unwrap_err();
    drop(polling);
}

#[test]
fn promise_03_packets_keep_their_order_and_their_attachments_when_all_threads_emit() {
    const THREADS: u64 = 4;
    const EACH: u64 = 300;
    let server = Server::start(|io| io.namespace("/", echo), 2);
    let mut ws = Ws::joined(&server);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let io = server.io().clone();
            std::thread::spawn(move || {
                for n in 0..EACH {
                    let bytes = Binary(vec![u8::try_from(thread).unwrap(); 10].into());
                    io.emit("b", (thread, n, bytes)).unwrap();
                    io.emit("m", thread * EACH + n).unwrap();
                }
            })
        })
        .collect();
    let mut next = [(0, 0); 4];
    for _ in 0..2 * THREADS * EACH {
        let packet = ws.next_text();
        if packet.starts_with("451-") {
            let inner = packet.split_once(r#"["b","#).unwrap().1;
            let mut numbers = inner.split(',');
            let thread: u8 = numbers.next().unwrap().parse().unwrap();
            let n: u64 = numbers.next().unwrap().parse().unwrap();
            // Nothing comes between a packet and its attachment.
            ws.expect_binary(&[thread; 10]);
            let seen = &mut next[usize::from(thread)];
            assert_eq!((seen.0, seen.1), (n, n));
            seen.0 += 1;
        } else {
            let all = number(&packet);
            let seen = &mut next[usize::try_from(all / EACH).unwrap()];
            assert_eq!((seen.0, seen.1), (all % EACH + 1, all % EACH));
            seen.1 += 1;
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    ws.fence();
}

#[test]
fn promise_04_handlers_start_in_the_order_of_their_events() {
    let journal = Journal::new();
    let started = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("begin", async move |n: u64| {
                    started.note(n.to_string());
                    tokio::task::yield_now().await;
                });
                ns.on("at_once", |n: u64| n);
            })
        },
        2,
    );
    let mut ws = Ws::joined(&server);
    let events: Vec<u8> =
        (0..1_000).flat_map(|n| masked(0x81, format!(r#"42["begin",{n}]"#))).collect();
    ws.wire().write(events);
    for n in 0..1_000 {
        journal.expect(&n.to_string());
    }
    let asked: Vec<u8> =
        (0..1_000).flat_map(|n| masked(0x81, format!(r#"42{n}["at_once",{n}]"#))).collect();
    ws.wire().write(asked);
    for n in 0..1_000 {
        ws.expect(&format!("43{n}[{n}]"));
    }
    let mut polling = Polling::joined(&server);
    let payload: Vec<String> = (0..600).map(|n| format!(r#"42{n}["at_once",{n}]"#)).collect();
    polling.push(payload.join("\x1e"));
    let answers = polling.poll_packets(600);
    assert!(answers.into_iter().eq((0..600).map(|n| format!("43{n}[{n}]"))));
}

#[test]
fn promise_05_across_an_upgrade_everything_arrives_once_and_in_order() {
    for workers in [1, 2] {
        let server = Server::start(|io| io.namespace("/", echo), workers);
        let mut session = Polling::open(&server);
        let id = session.join();
        let io = server.io().clone();
        let emits = std::thread::spawn(move || {
            for n in 0..1_000 {
                io.to(&id).emit("m", n).unwrap();
                std::thread::yield_now();
            }
        });
        let mut got = Vec::new();
        let mut asked = 0;
        let push = |session: &mut Polling, asked: &mut u64| {
            session.push(format!(r#"427["echo","up {asked}"]"#));
            *asked += 1;
        };
        push(&mut session, &mut asked);
        got.extend(session.poll_packets(1));
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        // What is said between the probe and the switch still goes by polling.
        push(&mut session, &mut asked);
        got.extend(session.poll_packets(1));
        ws.text("5");
        for _ in 0..100 {
            ws.text(&format!(r#"427["echo","up {asked}"]"#));
            asked += 1;
        }
        got.retain(|packet| packet != "6");
        let all = 1_000 + usize::try_from(asked).unwrap();
        while got.len() < all {
            let packet = ws.next_text();
            if packet == "2" {
                ws.text("3");
            } else {
                got.push(packet);
            }
        }
        emits.join().unwrap();
        let (events, acks): (Vec<_>, Vec<_>) =
            got.iter().partition(|packet| packet.starts_with("42"));
        assert!(events.iter().map(|packet| number(packet)).eq(0..1_000), "{events:?}");
        let expected = (0..asked).map(|n| format!(r#"437["up {n}"]"#));
        assert!(acks.into_iter().cloned().eq(expected));
        ws.fence();
    }
}

#[test]
fn promise_06_a_volatile_event_is_dropped_or_comes_in_its_place() {
    let server = Server::start(|io| io.namespace("/", echo), 1);
    let mut session = Polling::open(&server);
    let id = session.join();
    let to = || server.io().to(&id);
    // Nobody waits for it: there is nothing to write it to.
    to().volatile().emit("m", 0).unwrap();
    to().emit("m", 1).unwrap();
    to().volatile().emit("m", 2).unwrap();
    session.push(r#"421["fence"]"#);
    assert_eq!(session.poll_packets(2), [r#"42["m",1]"#, "431[]"]);
    // A poll that waits takes one.
    session.start_poll();
    session.push("3");
    to().volatile().emit("m", 3).unwrap();
    assert_eq!(session.finish_poll().text(), r#"42["m",3]"#);
}

#[test]
fn promise_07_a_poll_that_is_dropped_ends_its_session_and_takes_nothing_with_it() {
    let (server, journal) = Server::recorded(|io| io, 2);
    let mut session = Polling::joined(&server);
    session.start_poll();
    let polls = std::mem::replace(&mut session.polls, integration::Http::connect(&server));
    polls.into_wire().drop_connection();
    journal.expect("transport error");
    session.expect_unknown();
}

#[test]
fn promise_08_a_broadcast_reaches_its_members_once_and_nobody_who_comes_later() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("join", |socket: Socket, rooms: Vec<String>| socket.join(rooms));
            })
        },
        2,
    );
    let mut members: Vec<Ws> = (0..20).map(|_| Ws::joined(&server)).collect();
    for member in &mut members {
        member.text(r#"427["join",["a","b"]]"#);
        member.expect("437[]");
    }
    let mut late = Ws::joined(&server);
    server.io().to(["a", "b"]).emit("m", 1).unwrap();
    late.text(r#"427["join",["a"]]"#);
    late.expect("437[]");
    late.fence();
    for member in &mut members {
        member.expect(r#"42["m",1]"#);
        member.fence();
    }
}

#[test]
fn promise_24_under_overload_those_who_are_in_are_served_and_the_door_is_shut() {
    let server =
        Server::start(|io| io.limits(|limits| limits.max_connections = 3).namespace("/", echo), 2);
    let bystander = Bystander::watch(server.address());
    let mut inside = [Ws::joined(&server), Ws::joined(&server)];
    for _ in 0..50 {
        let refused =
            integration::Http::connect(&server).get("/socket.io/?EIO=4&transport=polling");
        assert_eq!(refused.status, 503);
        refused.expect_header("retry-after", "1");
    }
    inside.iter_mut().for_each(Ws::fence);
    drop(inside);
    let end = std::time::Instant::now() + integration::DEADLINE;
    while server.io().session_count() > 1 {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
    Ws::joined(&server).fence();
    bystander.unharmed();
}

#[test]
fn promise_10_every_wait_for_an_ack_ends_once() {
    let journal = Journal::new();
    let noted = journal.clone();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("ask", async move |socket: Socket, millis: u64| {
                    let time = (millis > 0).then(|| Duration::from_millis(millis));
                    let answer = socket.emit_with_ack::<String>("q", (), time).await;
                    noted.note(match answer {
                        Ok(answer) => answer,
                        Err(error) => error.to_string(),
                    });
                });
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["ask",0]"#);
    let first = ack_id(&ws.next_text());
    ws.text(&format!(r#"43{first}["yes"]"#));
    ws.text(&format!(r#"43{first}["again"]"#));
    journal.expect("yes");
    ws.text(r#"42["ask",50]"#);
    let late = ack_id(&ws.next_text());
    journal.expect("operation has timed out");
    ws.text(&format!(r#"43{late}["late"]"#));
    ws.text(r#"42["ask",0]"#);
    ws.next_text();
    ws.fence();
    drop(ws);
    journal.expect("the socket has been disconnected");
    assert_eq!(journal.drain(), [""; 0]);
}

#[test]
fn promise_11_an_ack_is_answered_once_whatever_becomes_of_its_sender() {
    let kept: Arc<std::sync::Mutex<Vec<AckSender>>> = Arc::default();
    let keeps = Arc::clone(&kept);
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("drops", |ack: AckSender| drop(ack));
                ns.on("keeps", move |ack: AckSender| keeps.lock().unwrap().push(ack));
            })
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["drops"]"#);
    assert!(ws.next_text().starts_with(r#"431[{"error":"#), "the client waits for ever");
    ws.text(r#"422["keeps"]"#);
    ws.fence();
    ws.text("41");
    let mut other = Ws::joined(&server);
    other.fence();
    // Its socket is gone.
    let sender = kept.lock().unwrap().pop().unwrap();
    let _late = sender.send("late");
    ws.join();
    ws.fence();
}

#[test]
fn promise_12_a_broadcast_with_acks_is_over_in_time_with_the_answers_that_came() {
    let server = Server::start(|io| io.namespace("/", echo), 2);
    let mut answers = Ws::joined(&server);
    let _silent = Ws::joined(&server);
    let io = server.io().clone();
    let begin = std::time::Instant::now();
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = io.emit_with_ack::<u8>("q", (), Duration::from_millis(300));
        runtime.block_on(asked)
    });
    let id = ack_id(&answers.next_text());
    answers.text(&format!("43{id}[7]"));
    let error = asking.join().unwrap().unwrap_err();
    assert!(begin.elapsed() < Duration::from_millis(1_300));
    assert_eq!(error.responses, [7]);
}
