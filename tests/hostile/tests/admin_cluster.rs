//! The Admin UI of two servers over Redis.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

#[path = "../../integration/tests/admin/mod.rs"]
mod admin;

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use hostile::Redis;
use integration::{Server, Ws, echo};
use serde_json::{Value as Json, json};
use sio_actix::core::login::LoginStore as _;
use sio_actix::prelude::*;
use sio_actix::{AdminMode, AdminUi, Recovery};
use sio_redis::{Mode, RedisAdapter, RedisLogins};

use admin::{HASH, INVALID, LOGIN, Page};

const DEADLINE: Duration = Duration::from_secs(10);

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("set", |socket: Socket, data: Json| socket.set_data(data).is_ok());
}

fn node(redis: &Redis, admin: AdminUi) -> Server {
    let adapter = RedisAdapter::builder(&redis.url()).build().unwrap();
    let server =
        Server::start(|io| io.adapter(adapter).instrument(admin).namespace("/", handlers), 2);
    System::new().block_on(server.io().ready()).unwrap();
    server
}

fn open(redis: &Redis, name: &str) -> Server {
    node(redis, AdminUi::insecure_no_auth().mode(AdminMode::Development).server_id(name))
}

fn basic(redis: &Redis) -> Server {
    let logins = RedisLogins::new(&redis.url()).unwrap();
    node(redis, AdminUi::basic("admin", HASH).mode(AdminMode::Development).login_store(logins))
}

/// The next event of this name, whatever comes before.
#[track_caller]
fn until(page: &mut Page, name: &str) -> Vec<Json> {
    let start = format!(r#"42/admin,["{name}""#);
    loop {
        let frame = page.next();
        if frame.starts_with(&start) {
            let mut event: Vec<Json> = serde_json::from_str(&frame["42/admin,".len()..]).unwrap();
            event.remove(0);
            return event;
        }
    }
}

#[test]
fn one_page_sees_and_reaches_the_sockets_of_all_servers() {
    let redis = Redis::start();
    let (a, b) = (open(&redis, "srv-a"), open(&redis, "srv-b"));
    let mut bob = Ws::open(&b);
    let id = bob.join();
    bob.text(r#"421["set",{"user":"bob"}]"#);
    bob.expect("431[true]");
    let mut page = Page::open(&a);
    let all = until(&mut page, "all_sockets");
    let sockets = all[0].as_array().unwrap();
    let shown = sockets.iter().find(|socket| socket["id"] == id).unwrap();
    assert_eq!(
        (&shown["clientId"], &shown["transport"], &shown["nsp"], &shown["data"], &shown["rooms"]),
        (
            &json!(bob.sid()[..12]),
            &json!("websocket"),
            &json!("/"),
            &json!({ "user": "bob" }),
            &json!([id])
        )
    );
    assert_eq!(sockets.len(), 2, "the page itself is the other");
    let mut carol = Ws::open(&b);
    let carol_id = carol.join();
    let connected = until(&mut page, "socket_connected");
    assert_eq!(connected[0]["id"], carol_id);
    page.command(&format!(r#"["join","/","room","{id}"]"#));
    assert_eq!(until(&mut page, "room_joined")[..3], [json!("/"), json!("room"), json!(id)]);
    page.command(r#"["emit","/","room","from-ui",1]"#);
    bob.expect(r#"42["from-ui",1]"#);
    page.command(&format!(r#"["_disconnect","/",false,"{id}"]"#));
    bob.expect("41");
    assert_eq!(until(&mut page, "socket_disconnected")[1], id);
    let mut servers = HashSet::new();
    let end = Instant::now() + DEADLINE;
    while servers.len() < 2 && Instant::now() < end {
        servers.insert(page.stats()["serverId"].as_str().unwrap().to_owned());
    }
    assert_eq!(servers, HashSet::from(["srv-a".to_owned(), "srv-b".to_owned()]));
}

#[test]
fn what_servers_tell_each_other_for_the_page_is_not_the_sockets_data() {
    let redis = Redis::start();
    let (a, b) = (open(&redis, "srv-a"), basic(&redis));
    let mut bob = Ws::open(&b);
    bob.join();
    bob.text(r#"421["set",{"user":"bob"}]"#);
    bob.expect("431[true]");
    bob.text(LOGIN);
    assert!(bob.next_text().starts_with(r#"40/admin,{"sid":""#));
    System::new().block_on(async {
        let sockets = a.io().fetch_sockets().await.unwrap();
        assert_eq!(sockets.len(), 1);
        assert_eq!(sockets[0].data::<Json>().unwrap(), json!({ "user": "bob" }));
        assert_eq!(
            (sockets[0].client_id(), sockets[0].transport()),
            (Some(&bob.sid()[..12]), Some("websocket"))
        );
        // Nor are credentials told.
        let pages = a.io().of("/admin").fetch_sockets().await.unwrap();
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0].auth::<Json>().unwrap(), json!({}));
    });
}

/// What Redis answers to a command, as it writes it.
fn ask(redis: &Redis, command: &str) -> String {
    let url = redis.url();
    let mut wire = UnixStream::connect(url.strip_prefix("unix://").unwrap()).unwrap();
    wire.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(wire, "{command}\r\nPING\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"+PONG\r\n") {
        let mut bytes = [0; 4_096];
        let len = wire.read(&mut bytes).unwrap();
        assert!(len > 0, "Redis has gone");
        answer.extend_from_slice(&bytes[..len]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_id_of_a_login_is_in_no_stream() {
    let redis = Redis::start();
    let adapter = RedisAdapter::builder(&redis.url()).mode(Mode::Streams).build().unwrap();
    let logins = RedisLogins::new(&redis.url()).unwrap();
    let admin = AdminUi::basic("admin", HASH).mode(AdminMode::Production).login_store(logins);
    let server = Server::start(
        |io| {
            io.adapter(adapter)
                .connection_state_recovery(Recovery::default())
                .instrument(admin)
                .namespace("/", handlers)
        },
        1,
    );
    System::new().block_on(server.io().ready()).unwrap();
    let mut ws = Ws::open(&server);
    ws.text(LOGIN);
    let session = until(&mut Page::connected(ws), "session");
    let id = session[0].as_str().unwrap();
    server.io().of("/admin").emit("last", 1).unwrap();
    let end = Instant::now() + DEADLINE;
    let stream = loop {
        let stream = ask(&redis, "XRANGE socket.io - +");
        if stream.contains("last") {
            break stream;
        }
        assert!(Instant::now() < end, "{stream}");
    };
    assert!(!stream.contains(id), "{stream}");
}

#[test]
fn a_login_counts_on_all_servers() {
    let redis = Redis::start();
    let (a, b) = (basic(&redis), basic(&redis));
    let mut ws = Ws::open(&a);
    ws.text(LOGIN);
    let session = until(&mut Page::connected(ws), "session");
    let id = session[0].as_str().unwrap();
    let mut ws = Ws::open(&b);
    ws.text(&format!(r#"40/admin,{{"sessionId":"{id}"}}"#));
    Page::connected(ws);
    let mut ws = Ws::open(&b);
    ws.text(r#"40/admin,{"sessionId":"0000000000000000"}"#);
    ws.expect(INVALID);
}

#[test]
fn logins_are_kept_for_their_time_under_the_references_keys() {
    let redis = Redis::start();
    System::new().block_on(async {
        let logins = RedisLogins::new(&redis.url()).unwrap().duration(Duration::from_secs(1));
        logins.save("6e9502fa594180e8").await.unwrap();
        assert_eq!(logins.contains("6e9502fa594180e8").await, Ok(true));
        let others = RedisLogins::new(&redis.url()).unwrap().prefix("others");
        assert_eq!(others.contains("6e9502fa594180e8").await, Ok(false));
        let end = Instant::now() + DEADLINE;
        while logins.contains("6e9502fa594180e8").await == Ok(true) {
            assert!(Instant::now() < end, "it does not expire");
            actix_web::rt::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn without_redis_a_login_works_and_is_not_remembered() {
    let redis = Redis::start();
    let logins = RedisLogins::new(&redis.url()).unwrap();
    drop(redis);
    let admin = AdminUi::basic("admin", HASH).mode(AdminMode::Production).login_store(logins);
    let server = Server::start(|io| io.instrument(admin), 1);
    let mut ws = Ws::open(&server);
    ws.text(r#"40/admin,{"sessionId":"0000000000000000"}"#);
    ws.expect(INVALID);
    ws.text(LOGIN);
    Page::connected(ws).event("config");
}
