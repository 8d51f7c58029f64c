//! What a session keeps and what is told of it: cases 77 to 79 of `docs/hostile.md`, and case 20 in logs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hostile::{Bystander, Log};
use integration::{Http, Journal, Polling, Server, Ws, echo};
use sio_actix::KeptHeaders;
use sio_actix::prelude::*;

/// Tokens are the milliseconds for which they are good.
fn expiring(ns: &mut NamespaceBuilder, journal: &Journal) {
    let until = |token: u64| match token {
        0 => Err(EventError::new("denied", "not valid")),
        good => Ok(Instant::now() + Duration::from_millis(good)),
    };
    ns.connect_guard(move |socket: Socket, Auth(auth): Auth<HashMap<String, u64>>| {
        until(auth["token"]).map(|until| socket.disconnect_at(until))
    });
    ns.reauthenticate("reauthenticate", async move |_: Socket, token: u64| until(token));
    ns.on_connection(|socket: Socket| socket.emit("welcome", ()));
    let journal = journal.clone();
    ns.on_disconnect(move |reason: DisconnectReason| journal.note(reason.as_str()));
}

#[test]
fn row_77_credentials_end_with_their_time_unless_they_are_renewed() {
    let journal = Journal::new();
    let server =
        Server::start(|io| io.namespace("/", echo).namespace("/t", |ns| expiring(ns, &journal)), 2);
    let bystander = Bystander::watch(server.address());
    let mut ws = Ws::joined(&server);
    let join = |ws: &mut Ws| {
        ws.text("40/t,{\"token\":1000}");
        assert!(ws.next_text().starts_with("40/t,{"));
        ws.expect("42/t,[\"welcome\"]");
    };
    join(&mut ws);
    ws.text("42/t,1[\"reauthenticate\",0]");
    ws.expect("43/t,1[{\"error\":{\"code\":\"denied\",\"message\":\"not valid\"}}]");
    ws.expect("41/t,");
    journal.expect("server namespace disconnect");
    // The session goes on, and the client may connect again.
    join(&mut ws);
    ws.text("42/t,2[\"reauthenticate\",60000]");
    ws.expect("43/t,2[]");
    // Longer than the credentials of the handshake would have been good for.
    let end = Instant::now() + Duration::from_millis(1_200);
    while Instant::now() < end {
        ws.wire().expect_silence();
    }
    ws.text("42[\"m\"]");
    ws.expect("42[\"m\"]");
    assert!(journal.drain().is_empty());
    bystander.unharmed();
}

#[test]
fn row_78_headers_are_kept_or_not_as_an_option_says() {
    let shown = |server: &Server| {
        let mut http = Http::connect(server);
        let target = "/socket.io/?EIO=4&transport=polling";
        http.send("GET", target, "Cookie: login=me\r\nUser-Agent: me\r\n", "");
        let sid = integration::sid_of(http.response().text());
        let target = format!("{target}&sid={sid}");
        http.post(&target, "40").expect(200, "ok");
        http.get(&target);
        http.post(&target, "421[\"headers\"]").expect(200, "ok");
        http.get(&target).text().to_owned()
    };
    for (keep, seen) in [
        (KeptHeaders::All, "431[[\"host\",\"cookie\",\"user-agent\"]]"),
        (KeptHeaders::Only(vec!["user-agent".into()]), "431[[\"user-agent\"]]"),
        (KeptHeaders::Only(Vec::new()), "431[[]]"),
    ] {
        let server = Server::start(
            |io| {
                io.keep_headers(keep)
                    // Who decides sees them all.
                    .allow_request(async |handshake: std::sync::Arc<Handshake>| {
                        match handshake.header("cookie") {
                            Some(_) => Ok(()),
                            None => Err("no cookie".into()),
                        }
                    })
                    .namespace("/", |ns| {
                        ns.on("headers", |socket: Socket| {
                            let names = ["host", "cookie", "user-agent"].into_iter();
                            let kept =
                                names.filter(|name| socket.handshake().header(name).is_some());
                            (kept.map(str::to_owned).collect::<Vec<_>>(),)
                        });
                    })
            },
            1,
        );
        assert_eq!(shown(&server), seen);
    }
}

#[test]
fn row_79_payloads_and_credentials_are_not_in_the_log() {
    const SECRET: &str = "hunter2";
    let log = Log::capture();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("number", |n: u64| n);
                ns.on("refused", |text: String| Err::<(), _>(EventError::new("denied", text)));
            })
            .namespace("/auth", |ns| {
                ns.connect_guard(|socket: Socket, Auth(auth): Auth<HashMap<String, u64>>| {
                    tracing::debug!(?socket, ?auth, "never reached");
                });
            })
            .namespace("/shown", |ns| {
                ns.on_connection(|socket: Socket| {
                    // What an application may well log.
                    let (session, handshake) = (socket.conn(), socket.handshake());
                    tracing::info!(?socket, ?session, ?handshake, "connected");
                });
            })
        },
        1,
    );
    let mut http = Http::connect(&server);
    let cookie = format!("Cookie: a={SECRET}\r\nAuthorization: {SECRET}\r\n");
    let target = format!("/socket.io/?EIO=4&transport=polling&token={SECRET}");
    http.send("GET", &target, &cookie, "");
    let sid = integration::sid_of(http.response().text());
    let target = format!("{target}&sid={sid}");
    let auth = format!("40/shown,{{\"token\":\"{SECRET}\"}}\x1e40/auth,{{\"token\":\"{SECRET}\"}}");
    let events = format!(
        "40\x1e42[\"number\",\"{SECRET}\"]\x1e42[\"none\",\"{SECRET}\"]\x1e42[\"refused\",\"{SECRET}\"]"
    );
    http.post(&target, auth).expect(200, "ok");
    http.post(&target, events).expect(200, "ok");
    http.get(&target);
    // What cannot be decoded, and a frame that breaks the rules.
    http.post(&target, format!("42[\"m\",{SECRET}]"));
    let mut ws = Ws::joined(&server);
    ws.text(&format!("9{SECRET}"));
    ws.wire().take_to_end();
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("connected")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("no handler for an event")), "{lines:#?}");
    for line in &lines {
        assert!(!line.contains(SECRET) && !line.contains(&sid), "{line}");
    }
}

#[test]
fn row_20_what_peers_choose_is_escaped_and_cut_in_the_log() {
    let log = Log::capture();
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.fallback(|| Err::<(), _>(EventError::new("denied", "no")));
            })
        },
        1,
    );
    let mut session = Polling::joined(&server);
    let long = "x".repeat(10_000);
    for name in ["a\\u001b[31m", "a\\nERROR forged", "a\\u0000", &*long] {
        session.push(format!("42[\"{name}\",1]"));
        session.poll();
    }
    session.push("40/none\r\nERROR forged\u{1b}[31m,");
    session.poll();
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("ERROR forged")), "{lines:#?}");
    for line in &lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.len() < 1_000, "{} bytes", line.len());
    }
}

#[test]
fn a_limit_that_fires_is_logged_once_per_connection() {
    let log = Log::capture();
    let server =
        Server::start(
            |io| {
                io.limits(|limits| (limits.max_rooms, limits.max_events_per_second) = (1, 1))
                    .namespace("/", |ns| {
                        ns.on("rooms", |socket: Socket| {
                            for n in 0..100 {
                                socket.join(format!("room {n}"));
                            }
                        });
                    })
            },
            1,
        );
    let mut session = Polling::joined(&server);
    session.push(["42[\"rooms\"]"; 50].join("\x1e"));
    session.poll();
    let lines = log.lines();
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("rooms were not joined"), 1, "{lines:#?}");
    assert_eq!(count("rate_limited"), 1, "{lines:#?}");
}
