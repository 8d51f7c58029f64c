//! What a handler can know of the session below its socket, and a server without an application.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::{Arc, Mutex};

use integration::{Polling, Server, Ws};
use sio_actix::prelude::*;

fn conn(ns: &mut NamespaceBuilder) {
    ns.on("conn", |socket: Socket| {
        let conn = socket.conn();
        (conn.id().to_string(), conn.transport(), conn.revision().number(), conn.is_open())
    });
}

// 9.6
#[test]
fn a_handler_sees_the_session_before_and_after_its_upgrade() {
    for workers in [1, 2] {
        let server = Server::start(|io| io.namespace("/", conn), workers);
        let mut session = Polling::joined(&server);
        let sid = session.sid().to_owned();
        session.push(r#"420["conn"]"#);
        assert_eq!(session.poll(), format!(r#"430["{sid}","polling",4,true]"#));
        let mut ws = Ws::probe(&server, &session);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        ws.text(r#"421["conn"]"#);
        ws.expect(&format!(r#"431["{sid}","websocket",4,true]"#));
    }
}

#[test]
fn a_session_that_has_ended_is_not_open() {
    let ended = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&ended);
    let (server, journal) = Server::recorded(
        move |io| {
            io.namespace("/", move |ns| {
                let slot = Arc::clone(&slot);
                ns.on_connection(move |socket: Socket| {
                    *slot.lock().unwrap() = Some(socket);
                });
            })
        },
        1,
    );
    Ws::joined(&server).into_wire().drop_connection();
    journal.expect("transport close");
    let socket = ended.lock().unwrap().take().unwrap();
    assert!(!socket.conn().is_open());
}
