//! The server side of the Admin UI: who is let in, what it can do, and its numbers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod admin;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use integration::{Polling, Server, Ws, echo};
use serde_json::Value as Json;
use sio_actix::core::limits::Limits;
use sio_actix::prelude::*;
use sio_actix::{AdminError, AdminMode, AdminUi, ConfigError, IoBuilder, Pattern, Recovery};

use admin::{HASH, INVALID, LOGIN, Page};

const COMMANDS: &str =
    r#""EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT","AGGREGATED_EVENTS""#;

fn basic() -> AdminUi {
    AdminUi::basic("admin", HASH).mode(AdminMode::Production).server_id("srv-1")
}

fn open() -> AdminUi {
    AdminUi::insecure_no_auth().mode(AdminMode::Production).server_id("srv-1")
}

fn start(admin: AdminUi, build: impl FnOnce(IoBuilder) -> IoBuilder) -> Server {
    Server::start(|io| build(io).namespace("/", echo).instrument(admin), 1)
}

// ---- refusals -----------------------------------------------------------------------------------

#[test]
fn a_server_is_not_built_with_a_password_in_plain_text() {
    for (admin, expected) in [
        (AdminUi::basic("admin", "changeit"), AdminError::NoHash),
        (AdminUi::basic("", HASH), AdminError::NoUsername),
        (basic().namespace("/"), AdminError::Namespace("/".to_owned())),
        (basic().namespace("/{any}"), AdminError::Namespace("/{any}".to_owned())),
    ] {
        match Io::builder().instrument(admin).try_build() {
            Err(ConfigError::Admin(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn nothing_else_can_be_registered_on_the_namespace() {
    let error = Io::builder().namespace("/admin", echo).instrument(basic()).try_build();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`/admin`"), "{error}");
    let io = Io::builder().instrument(basic()).build();
    let added = std::panic::catch_unwind(AssertUnwindSafe(|| io.namespace("/admin", echo)));
    assert!(added.is_err());
}

#[test]
fn credentials_that_are_wrong_or_not_there_are_refused() {
    let server = start(basic(), |io| io);
    for payload in [
        "",
        "{}",
        r#"{"username":"admin"}"#,
        r#"{"password":"changeit"}"#,
        r#"{"username":null,"password":null}"#,
        r#"{"username":["admin"],"password":"changeit"}"#,
        r#"{"username":"admin","password":"wrong"}"#,
        r#"{"username":"Admin","password":"changeit"}"#,
        r#"{"username":"admin","password":"changeit\u0000"}"#,
        r#"{"username":"","password":""}"#,
        r#"{"sessionId":null}"#,
        r#"{"sessionId":""}"#,
        r#"{"sessionId":"6e9502fa594180e8"}"#,
        r#"{"sessionId":"6E9502FA594180E8"}"#,
        r#"{"sessionId":["6e9502fa594180e8"]}"#,
    ] {
        let mut ws = Ws::open(&server);
        ws.text(&format!("40/admin,{payload}"));
        ws.expect(INVALID);
        // Nobody is in the namespace.
        ws.text(r#"42/admin,["emit","/",null,"x"]"#);
        ws.expect_close(None);
    }
    let mut ws = Ws::open(&server);
    let long = "a".repeat(2_000);
    ws.text(&format!(r#"40/admin,{{"username":"admin","password":"{long}"}}"#));
    ws.expect(INVALID);
}

#[test]
fn a_wrong_password_waits_for_its_answer() {
    let server = start(basic(), |io| io);
    let mut ws = Ws::joined(&server);
    let begin = Instant::now();
    ws.text(r#"40/admin,{"username":"admin","password":"wrong"}"#);
    // The session goes on meanwhile.
    ws.fence();
    ws.expect(INVALID);
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn a_thousand_logins_at_one_time_harm_nobody() {
    let server = start(basic(), |io| io);
    let mut bystander = Ws::joined(&server);
    let mut strangers: Vec<_> = (0..1_000).map(|_| Ws::open(&server)).collect();
    let begin = Instant::now();
    for stranger in &mut strangers {
        stranger.text(r#"40/admin,{"username":"admin","password":"guess"}"#);
    }
    bystander.fence();
    let mut busy = 0;
    for stranger in &mut strangers {
        match &*stranger.next_text() {
            INVALID => {}
            r#"44/admin,{"message":"too many login attempts, try again later"}"# => busy += 1,
            other => panic!("{other}"),
        }
    }
    // Eight of one address are tried at one time, for a second.
    let rounds = usize::try_from(begin.elapsed().as_secs()).unwrap() + 1;
    assert!(busy >= 1_000 - 8 * rounds, "{busy} of 1000 in {:?}", begin.elapsed());
    bystander.fence();
    bystander.text(LOGIN);
    Page::connected(bystander).event("session");
}

#[test]
fn neither_patterns_nor_recovery_open_the_namespace() {
    let server = start(basic(), |io| {
        io.namespace("/{any}", echo).connection_state_recovery(Recovery::default())
    });
    let mut ws = Ws::open(&server);
    ws.text("40/admin,");
    ws.expect(INVALID);
    ws.text(LOGIN);
    let connected = ws.next_text();
    let _session = ws.next_text();
    let pid = connected.split(r#""pid":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let config = ws.next_text();
    let offset = config.rsplit('"').nth(1).unwrap().to_owned();
    ws.into_wire().reset();
    let mut again = Ws::open(&server);
    again.text(&format!(r#"40/admin,{{"pid":"{pid}","offset":"{offset}"}}"#));
    again.expect(INVALID);
}

#[test]
fn with_read_only_there_are_no_commands() {
    let server = start(open().read_only(true).mode(AdminMode::Development), |io| io);
    let mut client = Ws::joined(&server);
    let mut page = Page::open(&server);
    let features = r#"{"supportedFeatures":["AGGREGATED_EVENTS","ALL_EVENTS"]}"#;
    page.until(&format!(r#"42/admin,["config",{features}]"#));
    page.command(r#"["emit","/",null,"from-ui"]"#);
    page.command(r#"["join","/","room"]"#);
    page.command(r#"["_disconnect","/",true]"#);
    // Commands would be behind what has been said, and in front of the news of a client that comes now.
    page.ws().text("40/nowhere,");
    page.until(r#"44/nowhere,{"message":"Invalid namespace"}"#);
    let mut later = Ws::open(&server);
    let id = later.join();
    page.until(&format!(r#"42/admin,["room_joined","/","{id}","{id}","T"]"#));
    client.fence();
    server.io().to("room").emit("x", 1).unwrap();
    client.fence();
}

#[test]
fn commands_that_make_no_sense_do_nothing() {
    let server = start(open(), |io| io);
    let mut client = Ws::joined(&server);
    let mut page = Page::open(&server);
    page.event("config");
    let long = format!(r#"["emit","/{}",null,"x"]"#, "a".repeat(1_000));
    for command in [
        r#"["emit"]"#,
        r#"["emit","/"]"#,
        r#"["emit","/",null]"#,
        r#"["emit","/",null,1]"#,
        r#"["emit","/",null,"connect"]"#,
        r#"["emit","/",["room"],"x"]"#,
        r#"["emit",null,null,"x"]"#,
        r#"["emit","/nowhere",null,"x"]"#,
        r#"["emit","/",0,"x"]"#,
        r#"["emit","/","","x"]"#,
        &long,
        r#"["join"]"#,
        r#"["join","/"]"#,
        r#"["join","/",["a","b"]]"#,
        r#"["join","/nowhere","room"]"#,
        r#"["leave","/",null]"#,
        r#"["leave","/","room",{}]"#,
        r#"["_disconnect"]"#,
        r#"["_disconnect","/"]"#,
        r#"["_disconnect","/","true"]"#,
        r#"["_disconnect","/",true,false]"#,
        r#"["_disconnect","/",false,0]"#,
        r#"["_disconnect","/nowhere",true]"#,
        r#"["_disconnect","/",true,"nobody"]"#,
        r#"["shutdown"]"#,
        r#"["__proto__"]"#,
    ] {
        page.command(command);
    }
    // One that makes sense is carried out behind them.
    page.command(r#"["emit","/",null,"last"]"#);
    client.expect(r#"42["last"]"#);
    client.fence();
    let mut names = server.io().namespaces();
    names.sort();
    assert_eq!(names, ["/", "/admin"]);
}

// ---- logins -------------------------------------------------------------------------------------

#[test]
fn a_login_gets_an_id_that_a_reload_needs_no_password_with() {
    let server = start(basic(), |io| io);
    let mut ws = Ws::open(&server);
    ws.text(LOGIN);
    let mut page = Page::connected(ws);
    // The page listens from the answer to CONNECT on.
    let session = page.next();
    let id =
        session.strip_prefix(r#"42/admin,["session",""#).and_then(|id| id.strip_suffix(r#""]"#));
    let id = id.unwrap_or_else(|| panic!("{session}")).to_owned();
    assert!(id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    page.expect(&format!(r#"42/admin,["config",{{"supportedFeatures":[{COMMANDS}]}}]"#));
    // Another one, with what the first was told.
    let mut ws = Ws::open(&server);
    ws.text(&format!(r#"40/admin,{{"sessionId":"{id}"}}"#));
    Page::connected(ws).event("config");
    // A stale id does not keep a password from being looked at.
    let mut ws = Ws::open(&server);
    ws.text(
        r#"40/admin,{"sessionId":"0000000000000000","username":"admin","password":"changeit"}"#,
    );
    Page::connected(ws).event("session");
}

#[test]
fn what_applies_to_all_namespaces_does_not_apply() {
    let server = start(basic(), |io| {
        io.connect_guard(|_: Socket| Err::<(), _>(ConnectError::new("nobody")))
            .guard(|_: &EventCx<'_>| false)
    });
    let mut ws = Ws::open(&server);
    ws.text("40");
    ws.expect(r#"44{"message":"nobody"}"#);
    ws.text(LOGIN);
    let mut page = Page::connected(ws);
    page.event("session");
    page.event("config");
    // Commands are events; this one ends the page's own socket.
    page.command(&format!(r#"["_disconnect","/admin",false,"{}"]"#, page.id.clone()));
    page.expect("41/admin,");
}

#[test]
fn the_namespace_may_have_another_name() {
    let server = start(open().namespace("my-admin"), |io| io);
    let mut ws = Ws::open(&server);
    ws.text("40/admin,");
    ws.expect(r#"44/admin,{"message":"Invalid namespace"}"#);
    ws.text("40/my-admin,");
    assert!(ws.next_text().starts_with(r#"40/my-admin,{"sid":""#));
    ws.expect(&format!(r#"42/my-admin,["config",{{"supportedFeatures":[{COMMANDS}]}}]"#));
}

// ---- commands -----------------------------------------------------------------------------------

#[test]
fn commands_reach_all_sockets_of_a_room_or_one() {
    let server = start(open(), |io| io);
    let (mut a, mut b) = (Ws::open(&server), Ws::open(&server));
    let (id_a, _) = (a.join(), b.join());
    let mut page = Page::open(&server);
    page.event("config");
    page.command(r#"["emit","/",null,"from-ui","arg1",2]"#);
    a.expect(r#"42["from-ui","arg1",2]"#);
    b.expect(r#"42["from-ui","arg1",2]"#);
    page.command(&format!(r#"["emit","/","{id_a}","only","a"]"#));
    a.expect(r#"42["only","a"]"#);
    page.command(&format!(r#"["join","/","ui-room","{id_a}"]"#));
    page.command(r#"["emit","/","ui-room","room"]"#);
    a.expect(r#"42["room"]"#);
    page.command(r#"["leave","/","ui-room"]"#);
    page.command(r#"["emit","/","ui-room","nobody"]"#);
    page.command(r#"["join","/","all"]"#);
    page.command(r#"["emit","/","all","everybody"]"#);
    a.expect(r#"42["everybody"]"#);
    b.expect(r#"42["everybody"]"#);
    page.ws().text(r#"451-/admin,["emit","/",null,"bytes",{"_placeholder":true,"num":0}]"#);
    page.ws().binary([1, 2]);
    a.expect(r#"451-["bytes",{"_placeholder":true,"num":0}]"#);
    a.expect_binary(&[1, 2]);
    page.command(&format!(r#"["_disconnect","/",false,"{id_a}"]"#));
    a.expect("41");
    page.command(r#"["_disconnect","/",true]"#);
    b.expect(r#"451-["bytes",{"_placeholder":true,"num":0}]"#);
    b.expect_binary(&[1, 2]);
    b.expect("41");
    b.expect_close(None);
}

// ---- numbers ------------------------------------------------------------------------------------

#[test]
fn in_production_nothing_is_said_but_numbers() {
    let server = start(open(), |io| io);
    let mut page = Page::open(&server);
    page.event("config");
    let mut client = Ws::joined(&server);
    client.text(r#"42["m",1]"#);
    client.expect(r#"42["m",1]"#);
    client.text("41");
    server.io().emit("news", 1).unwrap();
    let mut polling = Polling::joined(&server);
    polling.push(r#"42["m",1]"#);
    // Everything has been handled by the time of the second numbers.
    for _ in 0..2 {
        let frame = page.ws().next_text();
        assert!(frame.starts_with(r#"42/admin,["server_stats",{"serverId":"srv-1","#), "{frame}");
    }
}

#[test]
fn namespaces_that_clients_name_leave_room_for_numbers() {
    let server = start(open(), |io| {
        let bounds = |l: &mut Limits| (l.send_buffer_high, l.send_buffer_max) = (1 << 17, 1 << 18);
        io.limits(bounds).namespace(Pattern::matching(|_| true), |_| {})
    });
    let fill = "\u{1}".repeat(240);
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let mut ws = Ws::open(&server);
            for n in 0..100 {
                ws.text(&format!("40/{fill}{client}-{n},"));
            }
            (0..100).for_each(|_| assert!(ws.next_text().starts_with("40/")));
            ws
        })
        .collect();
    let mut page = Page::open(&server);
    // The first may be of before the page.
    for _ in 0..2 {
        let stats = page.stats();
        let namespaces = stats["namespaces"].as_array().unwrap();
        let count = |name: &str| namespaces.iter().find(|known| known["name"] == name).unwrap();
        assert_eq!(count("/")["socketsCount"], 0);
        assert_eq!(count("/admin")["socketsCount"], 1);
        let sockets = namespaces.iter().map(|known| known["socketsCount"].as_u64().unwrap());
        assert_eq!(sockets.sum::<u64>(), 401);
        assert!(stats.to_string().len() < 100_000, "{}", stats.to_string().len());
        let rest = namespaces.last().unwrap()["name"].as_str().unwrap();
        assert_eq!(rest, format!("… and {} more", 403 - namespaces.len()));
    }
    drop(clients);
}

/// The sum of a kind of events.
fn total(stats: &Json, kind: &str) -> u64 {
    let events = stats["aggregatedEvents"].as_array().unwrap();
    let of_kind = events.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| event["count"].as_u64().unwrap()).sum()
}

#[test]
fn numbers_are_what_a_counting_client_counts() {
    let server = start(open(), |io| io);
    let mut page = Page::open(&server);
    page.event("config");
    // What came before the next numbers is in those.
    page.stats();
    let mut client = Ws::open(&server);
    client.text("40");
    let connected = client.next_text();
    client.text(r#"42["m","é"]"#);
    client.expect(r#"42["m","é"]"#);
    let polling = Polling::joined(&server);
    let mut sums = [0; 4];
    let mut connections = 0;
    let deadline = Instant::now() + Duration::from_secs(8);
    let last = loop {
        let stats = page.stats();
        connections += total(&stats, "rawConnection");
        for (sum, kind) in sums.iter_mut().zip(["packetsIn", "bytesIn", "packetsOut", "bytesOut"]) {
            *sum += total(&stats, kind);
        }
        if connections == 2 || Instant::now() > deadline {
            break stats;
        }
    };
    let [packets_in, bytes_in, packets_out, bytes_out] = sums;
    // The WebSocket's CONNECT and event, and the CONNECT by polling.
    assert_eq!((packets_in, bytes_in), (3, 1 + 11 + 1));
    // Their answers, and numbers that the page was told meanwhile.
    let answers = 2 * (connected.len() as u64 - 1) + 11;
    assert!(packets_out > 3 && bytes_out > answers, "{packets_out} {bytes_out}");
    assert_eq!(last["clientsCount"], 3);
    assert_eq!(last["pollingClientsCount"], 1);
    assert_eq!(last["pid"], std::process::id());
    let namespaces = last["namespaces"].to_string();
    assert_eq!(namespaces, r#"[{"name":"/","socketsCount":2},{"name":"/admin","socketsCount":1}]"#);
    drop(client);
    drop(polling);
    let ended = loop {
        let stats = page.stats();
        if total(&stats, "rawDisconnection") > 0 || Instant::now() > deadline {
            break stats;
        }
    };
    let events = ended["aggregatedEvents"].as_array().unwrap();
    let end = events.iter().find(|event| event["type"] == "rawDisconnection").unwrap();
    assert_eq!(end["subType"], "transport close");
    assert_eq!(end["timestamp"].as_u64().unwrap() % 1_000, 0);
}
