//! Which requests belong to a server, and several servers in one application (behaviours 1).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::net::TcpListener;
use std::sync::OnceLock;

use actix_web::{HttpResponse, web};
use integration::{Http, Polling, Server, Ws, echo, masked, sid_of};
use sio_actix::prelude::*;

// 1.5
#[test]
fn requests_outside_of_the_path_reach_the_application() {
    let io = Io::builder().namespace("/", echo).build();
    let server = Server::run(io, 1, |app| {
        app.route("/socket.io", web::get().to(async || "mine"))
            .route("/socket.iox/", web::get().to(async || "mine"))
            .route("/other", web::get().to(async || "mine"))
            .default_service(web::to(async || HttpResponse::NotFound().body("nothing here")));
    });
    let mut http = Http::connect(&server);
    let query = "EIO=4&transport=polling";
    for path in ["/socket.io", "/socket.iox/", "/other"] {
        http.get(&format!("{path}?{query}")).expect(200, "mine");
    }
    http.get(&format!("/elsewhere?{query}")).expect(404, "nothing here");
    let (answer, _wire) = Ws::attempt(&server, "/elsewhere?EIO=4&transport=websocket");
    answer.expect(404, "nothing here");
    assert_eq!(server.io().session_count(), 0);
    Polling::joined(&server).fence();
}

// 1.2
#[test]
fn one_slash_at_the_end_of_the_path_makes_no_difference() {
    for path in ["/my", "/my/"] {
        let server = Server::start(|io| io.path(path), 1);
        let mut http = Http::connect(&server);
        assert_eq!(http.get("/my/?EIO=4&transport=polling").status, 200, "{path}");
        for other in ["/my", "/my//x", "/myself/", "/socket.io/"] {
            let answer = http.get(&format!("{other}?EIO=4&transport=polling"));
            // What follows the prefix does not matter.
            let expected = if other == "/my//x" { 200 } else { 404 };
            assert_eq!(answer.status, expected, "{path} {other}");
        }
    }
}

// 1.8
#[test]
fn two_servers_share_one_application() {
    static SECOND: OnceLock<Io> = OnceLock::new();
    let named = |name: &'static str| {
        move |ns: &mut NamespaceBuilder| {
            echo(ns);
            ns.on("who", move || name);
        }
    };
    SECOND.get_or_init(|| Io::builder().path("/second").namespace("/", named("two")).build());
    let first = Io::builder().path("/first").namespace("/", named("one")).build();
    let server = Server::run(first, 2, |app| {
        app.configure(SECOND.get().unwrap().configure());
    });
    for (path, name) in [("/first/", "one"), ("/second/", "two")] {
        let mut ws = Ws::connect(&server, &format!("{path}?EIO=4&transport=websocket"));
        ws.next_text();
        ws.join();
        ws.text(r#"421["who"]"#);
        ws.expect(&format!(r#"431["{name}"]"#));

        let mut http = Http::connect(&server);
        let target = format!("{path}?EIO=4&transport=polling");
        let sid = sid_of(http.get(&target).text());
        http.post(&format!("{target}&sid={sid}"), "40").expect(200, "ok");
        let upgrade = format!("{path}?EIO=4&transport=websocket&sid={sid}");
        let mut ws = Ws::connect(&server, &upgrade);
        ws.text("2probe");
        ws.expect("3probe");
        ws.text("5");
        assert!(ws.next_text().starts_with(r#"40{"sid":""#));
        ws.text(r#"421["who"]"#);
        ws.expect(&format!(r#"431["{name}"]"#));

        // A session of one is unknown to the other.
        let other = if name == "one" { "/second/" } else { "/first/" };
        Http::connect(&server)
            .get(&format!("{other}?EIO=4&transport=polling&sid={sid}"))
            .expect(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}

// 1.10
#[test]
fn server_may_be_made_again_on_the_same_port() {
    let io = Io::builder().namespace("/", echo).build();
    let server = Server::run(io.clone(), 1, |_| {});
    let address = server.address();
    Polling::joined(&server).fence();
    drop(server);
    let listener = TcpListener::bind(address).unwrap();
    drop(listener);
    // The same value serves again: it was not closed, only its HTTP server has stopped.
    let server = Server::run(io, 1, |_| {});
    Polling::joined(&server).fence();
    Ws::joined(&server).fence();
}

// 1.11
#[test]
fn application_without_routes_answers_404_without_a_body() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for path in ["/", "/elsewhere", "/socket.io"] {
        http.get(path).expect(404, "");
    }
}

// 1.12
#[test]
fn connection_that_is_kept_serves_many_sessions() {
    let server = Server::echo();
    let mut http = Http::connect(&server);
    for n in 0..3 {
        let sid = sid_of(http.get("/socket.io/?EIO=4&transport=polling").text());
        let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        http.post(&target, "40").expect(200, "ok");
        assert!(http.get(&target).text().starts_with("40"));
        http.post(&target, format!(r#"42["m",{n}]"#)).expect(200, "ok");
        http.get(&target).expect(200, &format!(r#"42["m",{n}]"#));
    }
    // The connection may go on as a WebSocket.
    http.write(Ws::handshake("/socket.io/?EIO=4&transport=websocket"));
    assert_eq!(http.response().status, 101);
    http.write(masked(0x81, "40"));
    let wire = http.wire();
    let head = wire.take(2);
    assert_eq!(head[0], 0x81);
    let open = wire.take(head[1].into());
    assert!(open.starts_with(br#"0{"sid":""#));
}
