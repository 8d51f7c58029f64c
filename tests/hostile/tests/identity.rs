//! Identity, origin, information: cases 66 to 76 of `docs/hostile.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::HashSet;
use std::sync::Arc;

use hostile::{Bystander, Target};
use integration::{Http, Journal, Polling, Response, Server, Wire, Ws, echo, sid_of};
use sio_actix::prelude::*;
use sio_actix::{ConfigError, Cors, IoBuilder, Recovery, SessionBinding};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const FOREIGN: &str = r#"{"code":4,"message":"Origin not allowed"}"#;

fn serve(build: impl FnOnce(IoBuilder) -> IoBuilder) -> (Server, Bystander) {
    let server = Server::start(|io| build(io).namespace("/", echo), 1);
    let bystander = Bystander::watch(server.address());
    (server, bystander)
}

/// The answer to a handshake with these headers, each with its line end.
fn polling(server: &Server, headers: &str) -> Response {
    let mut http = Http::connect(server);
    http.send("GET", POLLING, headers, "");
    http.response()
}

fn websocket(server: &Server, headers: &str) -> Response {
    let mut http = Http::connect(server);
    http.write(Ws::handshake(WEBSOCKET).replacen("\r\n", &format!("\r\n{headers}"), 1));
    http.response()
}

#[test]
fn row_66_session_ids_are_not_to_be_guessed() {
    let target = Target::start(env!("CARGO_BIN_EXE_target"), &[]);
    let bystander = target.bystander();
    let mut http = Http::connect_to(target.address());
    let ids: HashSet<String> = (0..500).map(|_| sid_of(http.get(POLLING).text())).collect();
    assert_eq!(ids.len(), 500);
    // No place of an id is the same in all, or in half, of them.
    for place in 0..20 {
        let seen: HashSet<u8> = ids.iter().map(|id| id.as_bytes()[place]).collect();
        assert!(seen.len() > 32, "place {place}: {} characters", seen.len());
    }
    bystander.unharmed();
}

#[test]
fn limit_29_session_ids_have_120_random_bits_or_more() {
    const { assert!(sio_actix::core::sid::SID_BYTES * 8 >= 120) };
    let server = Server::echo();
    let (polling, ws) = (Polling::open(&server), Ws::open(&server));
    for sid in [polling.sid(), ws.sid()] {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!(sid.len() * 6 >= 120 && sid.bytes().all(base64url), "{sid}");
    }
}

#[test]
fn row_67_the_public_id_of_a_socket_is_no_session_id() {
    let (server, bystander) = serve(|io| io);
    let mut session = Polling::open(&server);
    let public = session.join();
    assert_ne!(public, session.sid());
    let stolen = format!("{POLLING}&sid={public}");
    Http::connect(&server).get(&stolen).expect(400, UNKNOWN);
    Http::connect(&server).post(&stolen, "42[\"echo\",1]").expect(400, UNKNOWN);
    session.fence();
    bystander.unharmed();
}

#[test]
fn row_68_ids_come_from_the_server_only() {
    let (server, bystander) = serve(|io| io.connection_state_recovery(Recovery::default()));
    let chosen = "AAAAAAAAAAAAAAAAAAAA";
    Http::connect(&server).get(&format!("{POLLING}&sid={chosen}")).expect(400, UNKNOWN);
    let refused = websocket_at(&server, &format!("{WEBSOCKET}&sid={chosen}"));
    assert_eq!((refused.status, refused.text()), (400, "Session ID unknown"));
    let mut ws = Ws::open(&server);
    ws.text(&format!("40{{\"pid\":\"{chosen}\",\"offset\":\"{chosen}\",\"sid\":\"{chosen}\"}}"));
    let answer = ws.next_text();
    assert!(answer.starts_with("40{\"sid\":\"") && !answer.contains(chosen), "{answer}");
    bystander.unharmed();
}

fn websocket_at(server: &Server, target: &str) -> Response {
    let mut http = Http::connect(server);
    http.write(Ws::handshake(target));
    http.response()
}

#[test]
fn row_69_a_session_may_be_bound_to_an_address() {
    let journal = Journal::new();
    let noted = journal.clone();
    let (server, bystander) = serve(|io| {
        io.bind_session(SessionBinding::Ip).on_connection_error(move |error| {
            noted.note(serde_json::to_string(error.context()).unwrap());
        })
    });
    let mut session = Polling::joined(&server);
    let elsewhere = || Http::over(Wire::connect_from([127, 0, 0, 9].into(), server.address()));
    let target = session.target().to_owned();
    elsewhere().get(&target).expect(400, UNKNOWN);
    elsewhere().post(&target, "41").expect(400, UNKNOWN);
    let mut upgrade = elsewhere();
    upgrade.write(Ws::handshake(&target.replace("polling", "websocket")));
    upgrade.response().expect(400, "Session ID unknown");
    for _ in 0..3 {
        let sid = session.sid();
        journal.expect(&format!(r#"{{"name":"SESSION_BINDING","sid":"{sid}"}}"#));
    }
    session.fence();
    bystander.unharmed();
}

#[test]
fn row_69_a_session_may_be_bound_to_a_cookie_and_is_bound_to_nothing_by_default() {
    for (binding, refused) in
        [(SessionBinding::None, false), (SessionBinding::Cookie("login".into()), true)]
    {
        let (server, bystander) = serve(|io| io.bind_session(binding));
        let opened = polling(&server, "Cookie: x=1; login=me\r\n");
        let target = format!("{POLLING}&sid={}", sid_of(opened.text()));
        let push = |from: u8, cookie: &str| {
            let wire = Wire::connect_from([127, 0, 0, from].into(), server.address());
            let mut http = Http::over(wire);
            http.send("POST", &target, cookie, "3");
            http.response().status
        };
        let other = if refused { 400 } else { 200 };
        assert_eq!(push(1, "Cookie: login=you\r\n"), other);
        assert_eq!(push(1, ""), other);
        assert_eq!(push(9, "Cookie: login=me; x=2\r\n"), 200);
        bystander.unharmed();
    }
}

#[test]
fn a_cookie_beside_others_that_are_no_ascii_binds_as_well() {
    let (server, bystander) = serve(|io| io.bind_session(SessionBinding::Cookie("login".into())));
    let opened = polling(&server, "Cookie: name=J\u{f6}rg; login=me\r\n");
    let target = format!("{POLLING}&sid={}", sid_of(opened.text()));
    let push = |cookie: &str| {
        let mut http = Http::connect_to(server.address());
        http.send("POST", &target, cookie, "3");
        http.response().status
    };
    assert_eq!(push(""), 400);
    assert_eq!(push("Cookie: name=J\u{f6}rg\r\n"), 400);
    assert_eq!(push("Cookie: login=you\r\n"), 400);
    assert_eq!(push("Cookie: name=J\u{f6}rg; login=me\r\n"), 200);
    assert_eq!(push("Cookie: login=me\r\n"), 200);
    bystander.unharmed();
}

#[test]
fn row_70_what_was_kept_of_a_socket_is_used_once() {
    let (server, bystander) = serve(|io| io.connection_state_recovery(Recovery::default()));
    let mut ws = Ws::open(&server);
    ws.text("40");
    let answer = ws.next_text();
    let (_, ids) = answer.split_once("{\"sid\":\"").unwrap();
    let (id, pid) = ids.trim_end_matches("\"}").split_once("\",\"pid\":\"").unwrap();
    server.io().of("/").to(id.to_owned()).emit("hello", ()).unwrap();
    let hello = ws.next_text();
    let offset = hello.trim_end_matches("\"]").rsplit('"').next().unwrap();
    let request = format!("40{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}");
    ws.into_wire().drop_connection();
    let come_back = || {
        let mut ws = Ws::open(&server);
        ws.text(&request);
        let answer = ws.next_text();
        (ws, answer)
    };
    let (_first, answer) = come_back();
    assert!(answer.contains(id), "{answer}");
    let (_second, answer) = come_back();
    assert!(!answer.contains(id) && !answer.contains(pid), "{answer}");
    bystander.unharmed();
}

#[test]
fn row_71_a_foreign_page_does_not_speak_for_its_visitor() {
    let (server, bystander) = serve(|io| io);
    let (cookie, evil) = ("Cookie: login=me\r\n", "Origin: http://evil.example\r\n");
    for headers in [
        format!("{cookie}{evil}"),
        format!("{cookie}Origin: null\r\n"),
        format!("{cookie}Origin: http://localhost.evil.example\r\n"),
        format!("{cookie}Origin: http://localhost:81\r\n"),
        format!("{cookie}Origin: http://localhost\r\n{evil}"),
        format!("{cookie}Sec-Fetch-Site: cross-site\r\n"),
    ] {
        polling(&server, &headers).expect(403, FOREIGN);
        websocket(&server, &headers).expect(403, "Origin not allowed");
    }
    assert_eq!(server.io().session_count(), 1, "only the bystander's");
    for headers in [
        "",
        cookie,
        evil,
        "Cookie: login=me\r\nOrigin: http://localhost\r\n",
        "Cookie: login=me\r\nOrigin: https://LOCALHOST:80\r\n",
    ] {
        if headers.contains("https") {
            polling(&server, headers).expect(403, FOREIGN);
            continue;
        }
        assert_eq!(polling(&server, headers).status, 200, "{headers}");
        assert_eq!(websocket(&server, headers).status, 101, "{headers}");
    }
    bystander.unharmed();
}

#[test]
fn row_71_the_policy_is_an_option() {
    let (cookie, evil) = ("Cookie: login=me\r\n", "Origin: http://evil.example\r\n");
    for (policy, with_cookie, without) in
        [("off", 200, 200), ("cookies", 403, 200), ("strict", 403, 403)]
    {
        let options = serde_json::from_str(&format!(r#"{{"originPolicy": "{policy}"}}"#)).unwrap();
        let (server, bystander) = serve(|io| io.options(options));
        assert_eq!(polling(&server, &format!("{cookie}{evil}")).status, with_cookie, "{policy}");
        assert_eq!(polling(&server, evil).status, without, "{policy}");
        bystander.unharmed();
    }
}

#[test]
fn row_71_a_page_that_cors_allows_may_open_sessions_and_the_hook_hears_of_others() {
    let journal = Journal::new();
    let noted = journal.clone();
    let (server, bystander) = serve(|io| {
        io.cors(Cors::list(["https://app.example"]).credentials(true)).on_connection_error(
            move |error| {
                noted.note(serde_json::to_string(error.context()).unwrap());
            },
        )
    });
    let (app, evil) = ("Origin: https://app.example\r\n", "Origin: https://evil.example\r\n");
    for (origin, status) in [(app, 101), (evil, 403)] {
        let headers = format!("Cookie: login=me\r\n{origin}");
        assert_eq!(websocket(&server, &headers).status, status);
    }
    journal.expect(r#"{"name":"FOREIGN_ORIGIN","origin":"https://evil.example"}"#);
    bystander.unharmed();
}

#[test]
fn row_72_there_is_no_cors_by_default_and_none_for_all_with_credentials() {
    let (server, bystander) = serve(|io| io);
    let answer = polling(&server, "Origin: http://a.example\r\n");
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")));
    let built = Io::builder().cors(Cors::any().credentials(true)).try_build();
    assert!(matches!(built, Err(ConfigError::Invalid(_))), "{built:?}");
    bystander.unharmed();
}

#[test]
fn row_73_origins_are_compared_as_a_whole() {
    let cors =
        Cors::list(["https://good.example"]).origin_pattern(r"https://[a-z]+\.good\.example");
    let (server, bystander) = serve(|io| io.cors(cors));
    for origin in [
        "null",
        "https://good.example.evil.example",
        "https://evilgood.example",
        "https://GOOD.example",
        "https://good.example:443",
        "https://good.example/",
        "http://good.example",
        "https://a.good.example.evil.example",
        "https://agood.example",
        "https://good.example\u{e9}",
    ] {
        let answer = polling(&server, &format!("Origin: {origin}\r\n"));
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    for origin in ["https://good.example", "https://a.good.example"] {
        let answer = polling(&server, &format!("Origin: {origin}\r\n"));
        answer.expect_header("access-control-allow-origin", origin);
    }
    bystander.unharmed();
}

#[test]
fn row_74_the_session_cookie_is_kept_from_scripts_and_is_no_identity() {
    let (server, bystander) = serve(|io| io.cookie(sio_actix::Cookie::default()));
    let opened = polling(&server, "");
    let sid = sid_of(opened.text());
    opened.expect_header("set-cookie", &format!("io={sid}; Path=/; HttpOnly; SameSite=Lax"));
    // It speaks for no session: the query does.
    let answer = polling(&server, &format!("Cookie: io={sid}\r\n"));
    assert_ne!(sid_of(answer.text()), sid);
    drop(server);
    let server = Server::start(|io| io.cookie(sio_actix::Cookie::default().secure(true)), 1);
    let answer = polling(&server, "");
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"), "{answer:?}");
    drop(bystander);
}

#[test]
fn row_75_what_a_refusal_says_is_fixed() {
    let (server, bystander) = serve(|io| {
        io.allow_request(async |handshake: Arc<Handshake>| match handshake.query_value("panic") {
            Some(_) => panic!("/srv/secret.rs: of the application"),
            None => Ok(()),
        })
        .engine_middleware(async |request: actix_web::HttpRequest| {
            match request.headers().contains_key("x-fail") {
                true => Err("postgres://user:password@db"),
                false => Ok(sio_actix::Pass::next()),
            }
        })
        .namespace("/guarded", |ns| {
            ns.connect_guard(|| Err::<(), _>(EventError::internal("postgres://user:password@db")));
        })
        .namespace("/said", |ns| {
            ns.connect_guard(|| Err::<(), _>(ConnectError::new("not today")));
        })
    });
    let mut http = Http::connect(&server);
    http.get(&format!("{POLLING}&panic=1")).expect(403, r#"{"code":4,"message":"Forbidden"}"#);
    http.send("GET", POLLING, "X-Fail: 1\r\n", "");
    http.response().expect(400, r#"{"code":3,"message":"Bad request"}"#);
    http.get("/socket.io/?EIO=7&transport=polling")
        .expect(400, r#"{"code":5,"message":"Unsupported protocol version"}"#);
    for answer in [polling(&server, ""), http.get("/socket.io/?EIO=4")] {
        answer.expect_no_header("server").expect_no_header("x-powered-by");
    }
    let mut ws = Ws::open(&server);
    for (namespace, said) in [
        ("/guarded", r#"{"message":"internal error","data":{"code":"internal"}}"#),
        ("/said", r#"{"message":"not today"}"#),
        ("/none", r#"{"message":"Invalid namespace"}"#),
    ] {
        ws.text(&format!("40{namespace},"));
        ws.expect(&format!("44{namespace},{said}"));
    }
    bystander.unharmed();
}

#[test]
fn row_76_there_is_nothing_to_administer() {
    let (server, bystander) = serve(|io| io);
    let mut ws = Ws::open(&server);
    ws.text("40/admin,{\"username\":\"admin\",\"password\":\"\"}");
    ws.expect("44/admin,{\"message\":\"Invalid namespace\"}");
    for path in ["/admin", "/socket.io/admin/", "/metrics", "/health"] {
        let status = Http::connect(&server).get(path).status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    bystander.unharmed();
}
