//! Patterns and the namespaces they make.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use sio_core::handler::EventError;
use sio_core::server::{EmitError, Io, IoConfig, Pattern, Socket};

use crate::carrier::{Server, WebSocket};
use crate::tools::{Gates, Notes, fails};

fn invalid(client: &mut WebSocket, path: &str) {
    let expected = format!("44{path},{{\"message\":\"Invalid namespace\"}}");
    assert_eq!(client.exchange(&format!("40{path},")), [expected]);
}

fn orgs() -> IoConfig {
    Io::builder().namespace("/org/{org}", |ns| {
        ns.on("join", |socket: Socket, room: String| socket.join(room));
        ns.on("where", |socket: Socket| socket.namespace().path().to_owned());
    })
}

// ---- all children ---------------------------------------------------------------------------------

#[test]
fn a_parent_has_no_sockets_to_fetch() {
    let server = Server::start(orgs());
    let error = server.io.of_pattern("/org/{org}").fetch_sockets().unwrap_err();
    assert_eq!(error.to_string(), "fetchSockets() is not supported on parent namespaces");
}

#[test]
fn a_reserved_name_is_refused_also_without_children() {
    let server = Server::start(orgs());
    let refused = server.io.of_pattern("/org/{org}").emit("connect", ());
    assert!(matches!(refused, Err(EmitError::Encode(_))), "{refused:?}");
    server.io.of_pattern("/unknown/{x}").emit("e", ()).unwrap();
}

#[test]
fn what_is_emitted_on_a_parent_reaches_all_its_children_and_nobody_else() {
    let server = Server::start(orgs().namespace("/team/{x}", |_| {}));
    let mut client = server.joined();
    for path in ["/org/a", "/org/b", "/team/c"] {
        client.connect(path);
    }
    client.send_all(&["42/org/a,[\"join\",\"r\"]", "42/org/b,[\"join\",\"s\"]"]);
    let parent = server.io.of_pattern("/org/{org}");
    let mut got = |emit: &dyn Fn()| {
        emit();
        let mut frames = client.frames();
        frames.sort();
        frames
    };
    assert_eq!(got(&|| parent.emit("e", 1).unwrap()), ["42/org/a,[\"e\",1]", "42/org/b,[\"e\",1]"]);
    assert_eq!(got(&|| parent.to("r").emit("e", ()).unwrap()), ["42/org/a,[\"e\"]"]);
    assert_eq!(
        got(&|| parent.except("r").compress(false).local().emit("e", ()).unwrap()),
        ["42/org/b,[\"e\"]"]
    );
    // The first makes the transport busy.
    assert_eq!(got(&|| parent.volatile().emit("v", ()).unwrap()).len(), 1);
    assert_eq!(got(&|| parent.to(["r", "s"]).send("x").unwrap()).len(), 2);
    parent.within("r").sockets_join("s");
    parent.sockets_leave("r");
    assert_eq!(got(&|| parent.to("r").emit("e", ()).unwrap()).len(), 0);
    assert_eq!(got(&|| parent.to("s").emit("e", ()).unwrap()).len(), 2);
    let mut names = parent.children();
    names.sort();
    assert_eq!(names, ["/org/a", "/org/b"]);
    assert_eq!(got(&|| parent.disconnect_sockets(false)), ["41/org/a,", "41/org/b,"]);
    assert_eq!(parent.children(), [""; 0]);
}

#[test]
fn a_function_is_known_by_its_copy() {
    let pattern = Pattern::matching(|name| name.starts_with("/x"));
    let server = Server::start(Io::builder().namespace(pattern.clone(), |_| {}));
    server.websocket().connect("/x1");
    let mut client = server.websocket();
    client.connect("/x1");
    server.io.of_pattern(pattern).emit("e", ()).unwrap();
    assert_eq!(client.frames(), ["42/x1,[\"e\"]"]);
    server.io.of_pattern(Pattern::matching(|_| true)).emit("e", ()).unwrap();
    assert_eq!(client.frames(), [""; 0]);
}

// ---- names registered at run time -----------------------------------------------------------------

#[test]
fn a_name_that_fits_is_a_child_with_the_patterns_handlers_and_its_own() {
    let notes = Notes::default();
    let (of_pattern, own) = (notes.clone(), notes.clone());
    let server = Server::start(Io::builder().namespace("/org/{org}", move |ns| {
        ns.connect_guard(|socket: Socket| match socket.auth::<Value>() {
            Ok(auth) if auth["ok"] == true => Ok(()),
            _ => Err(EventError::new("", "not you")),
        });
        ns.on_connection(move || of_pattern.add("pattern"));
        ns.on("a", || "pattern");
        ns.on("b", || "pattern");
    }));
    server.io.namespace("/org/x", move |ns| {
        ns.on_connection(move || own.add("own"));
        ns.on("a", || "own");
    });
    assert_eq!(server.io.of_pattern("/org/{org}").children(), ["/org/x"]);
    let mut client = server.websocket();
    let refused = client.exchange("40/org/x,");
    assert!(refused[0].contains("not you"), "{refused:?}");
    client.exchange("40/org/x,{\"ok\":true}");
    assert_eq!(notes.take(), ["pattern", "own"]);
    assert_eq!(client.exchange("421[\"a\"]".replace("42", "42/org/x,").as_str()).len(), 1);
    assert_eq!(client.exchange("42/org/x,1[\"a\"]"), ["43/org/x,1[\"own\"]"]);
    assert_eq!(client.exchange("42/org/x,2[\"b\"]"), ["43/org/x,2[\"pattern\"]"]);
    server.io.of_pattern("/org/{org}").emit("e", ()).unwrap();
    assert_eq!(client.frames(), ["42/org/x,[\"e\"]"]);
    client.exchange("41/org/x,");
    // It was registered by its name: it stays.
    assert!(server.io.namespaces().contains(&"/org/x".to_owned()));
}

#[test]
fn children_have_what_their_pattern_had_when_they_were_made() {
    let server = Server::start(orgs());
    let (mut old, mut new) = (server.websocket(), server.websocket());
    old.connect("/org/old");
    server.io.namespace("/org/{org}", |ns| {
        ns.on("late", || 1);
    });
    new.connect("/org/new");
    assert_eq!(new.exchange("42/org/new,1[\"late\"]"), ["43/org/new,1[1]"]);
    let mut second = server.websocket();
    second.connect("/org/old");
    assert_eq!(second.exchange("42/org/old,1[\"late\"]"), [""; 0]);
    assert_eq!(server.io.of_pattern("/org/{org}").children().len(), 2);
}

// ---- how many there may be ------------------------------------------------------------------------

#[test]
fn one_namespace_above_the_limit_is_invalid_and_those_that_exist_are_not() {
    let mut config = orgs().namespace("/org/fixed", |_| {});
    config.config_mut().limits.max_dynamic_namespaces = 2;
    let server = Server::start(config);
    let mut client = server.websocket();
    for path in ["/org/a", "/org/b"] {
        client.connect(path);
    }
    invalid(&mut client, "/org/c");
    client.connect("/org/fixed");
    let mut other = server.websocket();
    other.connect("/org/b");
    client.exchange("41/org/a,");
    client.connect("/org/c");
    invalid(&mut other, "/org/a");
    // One that is registered by its name is no longer a client's.
    server.io.namespace("/org/b", |_| {});
    other.connect("/org/a");
    invalid(&mut other, "/org/d");
}

#[test]
fn an_empty_namespace_goes_unless_it_is_to_stay_and_then_counts() {
    for cleanup in [true, false] {
        let mut config = orgs().cleanup_empty_namespaces(cleanup);
        config.config_mut().limits.max_dynamic_namespaces = 1;
        let server = Server::start(config);
        let mut client = server.websocket();
        client.connect("/org/a");
        client.exchange("41/org/a,");
        assert_eq!(server.io.of("/org/a").exists(), !cleanup);
        assert_eq!(server.io.of_pattern("/org/{org}").children().len(), usize::from(!cleanup));
        if cleanup {
            client.connect("/org/b");
        } else {
            invalid(&mut client, "/org/b");
            client.connect("/org/a");
            assert_eq!(client.exchange("42/org/a,1[\"where\"]"), ["43/org/a,1[\"/org/a\"]"]);
        }
    }
}

// ---- patterns that decide -------------------------------------------------------------------------

/// Names that begin with `/slow` wait at the gate of their name; who says `"no":true` is refused.
fn deciding(gates: &Gates, asked: &Notes) -> Pattern {
    let (gates, asked) = (gates.clone(), asked.clone());
    Pattern::deciding(async move |name: &str, auth: &Value| {
        asked.add(name);
        if name.starts_with("/slow") {
            gates.wait(name).await;
        }
        if name == "/panic" {
            fails();
        }
        match auth["no"].as_bool() {
            Some(true) => Err(EventError::new("no", "no")),
            _ => Ok(()),
        }
    })
}

fn start_deciding(gates: &Gates, asked: &Notes, made: &Notes) -> Server {
    let made = made.clone();
    Server::start(
        Io::builder()
            .namespace("/first-{n}", |ns| {
                ns.on("who", || "first");
            })
            .namespace(deciding(gates, asked), |ns| {
                ns.on("who", || "deciding");
            })
            .namespace("/{rest}", |ns| {
                ns.on("who", || "last");
            })
            .namespace("/fixed", |ns| {
                ns.on("who", || "fixed");
            })
            .on_new_namespace(move |name| made.add(name)),
    )
}

#[test]
fn patterns_are_tried_in_order_and_a_refusal_gives_the_next_its_turn() {
    let (gates, asked, made) = (Gates::default(), Notes::default(), Notes::default());
    let server = start_deciding(&gates, &asked, &made);
    made.take();
    let mut client = server.websocket();
    for (path, auth, who) in [
        ("/fixed", "", "fixed"),
        ("/first-1", "", "first"),
        ("/quick", "{\"no\":false}", "deciding"),
        ("/refused", "{\"no\":true}", "last"),
        ("/panic", "", "last"),
    ] {
        client.exchange(&format!("40{path},{auth}"));
        let answer = client.exchange(&format!("42{path},1[\"who\"]"));
        assert_eq!(answer, [format!("43{path},1[\"{who}\"]")]);
    }
    assert_eq!(asked.take(), ["/quick", "/refused", "/panic"]);
    client.exchange("40/a/b,{\"no\":true}");
    assert_eq!(
        client.exchange("40/c/d,{\"no\":true}"),
        ["44/c/d,{\"message\":\"Invalid namespace\"}"]
    );
    // Who comes to one that exists is not asked about.
    let mut other = server.websocket();
    asked.take();
    other.exchange("40/quick,{\"no\":true}");
    assert_eq!(other.exchange("42/quick,1[\"who\"]"), ["43/quick,1[\"deciding\"]"]);
    assert_eq!(asked.take(), [""; 0]);
    assert_eq!(made.take(), ["/first-1", "/quick", "/refused", "/panic"]);
}

#[test]
fn two_clients_at_once_make_one_namespace() {
    let (gates, asked, made) = (Gates::default(), Notes::default(), Notes::default());
    let opened = Arc::new(Mutex::new(Vec::new()));
    let waiting = Arc::clone(&opened);
    let noted = made.clone();
    let pattern = Pattern::deciding(async move |_: &str, _: &Value| {
        let (open, opened) = futures_channel::oneshot::channel::<bool>();
        waiting.lock().unwrap().push(open);
        opened.await.unwrap_or(false)
    });
    let server = Server::start(
        Io::builder()
            .namespace(pattern.clone(), |_| {})
            .on_new_namespace(move |name| noted.add(name)),
    );
    let (mut a, mut b, mut c) = (server.websocket(), server.websocket(), server.websocket());
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.exchange("40/one,"), [""; 0]);
    }
    let mut gates_of = std::mem::take(&mut *opened.lock().unwrap());
    assert_eq!(gates_of.len(), 3);
    gates_of.remove(1).send(true).unwrap();
    assert!(b.frames()[0].starts_with("40/one,{"));
    gates_of.remove(0).send(true).unwrap();
    assert!(a.frames()[0].starts_with("40/one,{"));
    // It exists by now: a refusal to make it does not count.
    gates_of.remove(0).send(false).unwrap();
    assert!(c.frames()[0].starts_with("40/one,{"));
    assert_eq!(made.take(), ["/one"]);
    assert_eq!(server.io.of("/one").socket_count(), 3);
    server.io.of_pattern(pattern).emit("e", ()).unwrap();
    for client in [&mut a, &mut b, &mut c] {
        assert_eq!(client.frames(), ["42/one,[\"e\"]"]);
    }
    drop((gates, asked));
}

#[test]
fn a_client_that_is_gone_or_breaks_the_rules_meanwhile_leaves_nothing_behind() {
    let (gates, asked, made) = (Gates::default(), Notes::default(), Notes::default());
    let server = start_deciding(&gates, &asked, &made);
    made.take();
    let mut client = server.websocket();
    client.exchange("40/slow-1,");
    drop(client);
    server.run();
    gates.expect_left("/slow-1");
    let mut client = server.websocket();
    client.exchange("40/slow-2,");
    // Packets for a namespace that is not joined, and a second CONNECT, are violations.
    assert_eq!(client.exchange("42/slow-2,[\"e\"]").last().unwrap(), "(closed)");
    server.run();
    gates.expect_left("/slow-2");
    assert_eq!(made.take(), [""; 0]);
    server.assert_empty();
}

#[test]
fn a_child_that_is_refused_by_a_guard_goes_again() {
    let server = Server::start(Io::builder().namespace("/org/{org}", |ns| {
        ns.connect_guard(|| Err::<(), _>(EventError::new("", "no")));
    }));
    server.websocket().exchange("40/org/a,");
    assert!(!server.io.of("/org/a").exists());
    assert_eq!(server.io.of_pattern("/org/{org}").children(), [""; 0]);
    let found =
        pin!(server.io.of("/org/a").all_sockets()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(found, Poll::Ready(Ok(ids)) if ids.is_empty()));
}
