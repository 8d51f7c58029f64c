//! What the Admin UI is told in development mode, frame by frame as recorded from the reference.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

mod admin;

use std::collections::BTreeSet;

use integration::{Http, Polling, Server, Ws, echo};
use serde_json::{Value as Json, json};
use sio_actix::prelude::*;
use sio_actix::{AdminMode, AdminUi};

use admin::Page;

const WORKERS: [usize; 2] = [1, 4];

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("hello", |socket: Socket| socket.emit("reply", (1, json!({ "a": 2 }))));
    ns.on("bin", |socket: Socket, bytes: Binary| socket.emit("bin-reply", bytes));
    ns.on("set", |socket: Socket, data: Json| socket.set_data(data).is_ok());
    ns.on("join", |socket: Socket, room: String| socket.join(room));
    ns.on("leave", |socket: Socket, room: String| socket.leave(room));
    ns.on("bye", |socket: Socket| socket.disconnect(true));
}

fn start(workers: usize) -> Server {
    let admin = AdminUi::insecure_no_auth().mode(AdminMode::Development);
    Server::start(
        |io| {
            io.instrument(admin).namespace("/", handlers).namespace("/dyn-{n}", handlers).namespace(
                "/chat",
                |ns| {
                    handlers(ns);
                    ns.connect_guard(|socket: Socket| {
                        socket.join("early");
                        socket.set_data(json!({ "fromMiddleware": 1 }))?;
                        Ok::<_, EventError>(())
                    });
                },
            )
        },
        workers,
    )
}

/// A page that has been told everything.
#[track_caller]
fn page(server: &Server) -> Page {
    let mut ws = Ws::open(server);
    ws.text("40/admin,");
    // The news of the page itself come before or after the answer to its CONNECT.
    let mut page = Page::connected(ws);
    let id = page.id.clone();
    page.expect(&format!(r#"42/admin,["room_joined","/admin","{id}","{id}","T"]"#));
    let own = page.event("socket_connected");
    assert_eq!((&own[0]["id"], &own[0]["nsp"]), (&json!(id), &json!("/admin")));
    page.expect(
        r#"42/admin,["config",{"supportedFeatures":["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT","AGGREGATED_EVENTS","ALL_EVENTS"]}]"#,
    );
    page
}

/// The news of a socket that connects to `/`.
#[track_caller]
fn sees(page: &mut Page, id: &str, sid: &str) -> Json {
    page.expect(&format!(r#"42/admin,["room_joined","/","{id}","{id}","T"]"#));
    let connected = page.event("socket_connected");
    let socket = connected[0].clone();
    assert_eq!(socket["id"], id);
    assert_eq!(socket["clientId"], sid[..12], "{socket}");
    socket
}

#[test]
fn of_large_events_pages_are_told_the_size() {
    const RECEIVERS: usize = 40;
    let server = start(2);
    let mut clients: Vec<_> = (0..RECEIVERS).map(|_| Ws::open(&server)).collect();
    let ids: BTreeSet<String> = clients.iter_mut().map(Ws::join).collect();
    let mut page = page(&server);
    page.event("all_sockets");
    server.io().emit("big", (vec![0; 480_000],)).unwrap();
    let mut told = BTreeSet::new();
    for _ in 0..RECEIVERS {
        let sent = page.event("event_sent");
        assert_eq!(sent[2], json!(["big", "(960001 bytes, too many to be shown)"]));
        told.insert(sent[1].as_str().unwrap().to_owned());
    }
    assert_eq!(told, ids);
    // Its attachments are more than may wait for a page.
    let places: Vec<_> = (0..5).map(|n| format!(r#"{{"_placeholder":true,"num":{n}}}"#)).collect();
    let client = &mut clients[0];
    client.text(&format!(r#"455-["nobody",{}]"#, places.join(",")));
    (0..5).for_each(|_| client.binary(vec![0; 950_000]));
    let received = page.event("event_received");
    let size = 5 * 950_000 + places.join(",").len();
    assert_eq!(received[2], json!(["nobody", format!("({size} bytes, too many to be shown)")]));
    // The largest that is shown.
    let fill = "a".repeat((16 << 10) - 2);
    client.text(&format!(r#"42["nobody","{fill}"]"#));
    assert_eq!(page.event("event_received")[2], json!(["nobody", fill]));
    client.text(&format!(r#"42["nobody","{fill}a"]"#));
    assert_eq!(
        page.event("event_received")[2],
        json!(["nobody", "(16385 bytes, too many to be shown)"])
    );
}

#[test]
fn long_names_and_large_data_are_cut() {
    let server = start(1);
    let mut client = Ws::open(&server);
    let id = client.join();
    let mut page = page(&server);
    page.event("all_sockets");
    // Each is six times as long on its way to the page.
    let long = "\\u0001".repeat(150_000);
    let short = format!("{}…", "\u{1}".repeat(1_024));
    client.text(&format!(r#"42["{long}"]"#));
    assert_eq!(page.event("event_received")[2], json!([short]));
    client.text(&format!(r#"42["join","{long}"]"#));
    page.event("event_received");
    assert_eq!(page.event("room_joined")[..3], [json!("/"), json!(short), json!(id)]);
    client.text(&format!(r#"42["set",{{"a":"{long}"}}]"#));
    page.event("event_received");
    let data = json!({ "…": "(900008 bytes, too many to be shown)" });
    assert_eq!(page.event("socket_updated")[0]["data"], data);
    client.text(r#"421["hello"]"#);
    client.expect(r#"42["reply",1,{"a":2}]"#);
    drop(page);
    let mut page = self::page(&server);
    let all = page.event("all_sockets");
    let shown = all[0].as_array().unwrap().iter().find(|socket| socket["id"] == id).unwrap();
    assert_eq!((&shown["data"], &shown["rooms"]), (&data, &json!([id, short])));
}

#[test]
fn without_a_bound_for_what_waits_all_sockets_are_shown() {
    let admin = AdminUi::insecure_no_auth().mode(AdminMode::Development);
    let server = Server::start(
        |io| io.limits(|l| l.send_buffer_max = 0).namespace("/", echo).instrument(admin),
        1,
    );
    let _client = Ws::joined(&server);
    let mut page = page(&server);
    assert_eq!(page.event("all_sockets")[0].as_array().unwrap().len(), 2);
}

#[test]
fn the_life_of_a_socket_is_told_in_order() {
    for workers in WORKERS {
        let server = start(workers);
        let mut page = page(&server);
        assert_eq!(page.event("all_sockets")[0].as_array().unwrap().len(), 1);
        let mut client = Ws::open(&server);
        let id = client.join();
        let sid = client.sid().to_owned();
        let socket = sees(&mut page, &id, &sid);
        assert_eq!(
            (&socket["transport"], &socket["nsp"], &socket["data"], &socket["rooms"]),
            (&json!("websocket"), &json!("/"), &json!({}), &json!([id]))
        );
        let handshake = &socket["handshake"];
        assert_eq!(handshake["address"], "127.0.0.1");
        assert_eq!(handshake["url"], "/socket.io/?EIO=4&transport=websocket");
        assert_eq!(handshake["query"], json!({ "EIO": "4", "transport": "websocket" }));
        assert_eq!((&handshake["secure"], &handshake["xdomain"]), (&json!(false), &json!(false)));
        assert_eq!(handshake["auth"], Json::Null);

        client.text(r#"421["hello","x",{"y":1}]"#);
        page.expect(&format!(
            r#"42/admin,["event_received","/","{id}",["hello","x",{{"y":1}}],"T"]"#
        ));
        page.expect(&format!(r#"42/admin,["event_sent","/","{id}",["reply",1,{{"a":2}}],"T"]"#));

        client.text(r#"451-["bin",{"_placeholder":true,"num":0}]"#);
        client.binary([9]);
        for (kind, name) in [("event_received", "bin"), ("event_sent", "bin-reply")] {
            let args = r#"{"_placeholder":true,"num":0}"#;
            page.expect(&format!(r#"451-/admin,["{kind}","/","{id}",["{name}",{args}],"T"]"#));
            page.ws().expect_binary(&[9]);
        }

        client.text(r#"42["set",{"user":{"name":"bob"}}]"#);
        page.event("event_received");
        page.expect(&format!(
            r#"42/admin,["socket_updated",{{"id":"{id}","nsp":"/","data":{{"user":{{"name":"bob"}}}}}}]"#
        ));

        client.text(r#"42["join","r1"]"#);
        client.text(r#"42["leave","r1"]"#);
        page.event("event_received");
        page.expect(&format!(r#"42/admin,["room_joined","/","r1","{id}","T"]"#));
        page.event("event_received");
        page.expect(&format!(r#"42/admin,["room_left","/","r1","{id}","T"]"#));

        server.io().emit("news", 1).unwrap();
        page.expect(&format!(r#"42/admin,["event_sent","/","{id}",["news",1],"T"]"#));

        client.text("41");
        page.expect(&format!(
            r#"42/admin,["socket_disconnected","/","{id}","client namespace disconnect","T"]"#
        ));
        page.expect(&format!(r#"42/admin,["room_left","/","{id}","{id}","T"]"#));
    }
}

#[test]
fn what_guards_do_is_told_with_the_connection() {
    let server = start(1);
    let mut page = page(&server);
    page.event("all_sockets");
    let mut client = Ws::open(&server);
    client.text("40/chat,");
    let answer = client.next_text();
    let id = answer.split('"').nth(3).unwrap();
    page.expect(&format!(r#"42/admin,["room_joined","/chat","{id}","{id}","T"]"#));
    page.expect(&format!(r#"42/admin,["room_joined","/chat","early","{id}","T"]"#));
    page.expect(&format!(
        r#"42/admin,["socket_updated",{{"id":"{id}","nsp":"/chat","data":{{"fromMiddleware":1}}}}]"#
    ));
    let connected = page.event("socket_connected");
    assert_eq!(connected[0]["rooms"], json!([id, "early"]));
    assert_eq!(connected[0]["data"], json!({ "fromMiddleware": 1 }));
    // Both sockets of the client end, each with its rooms.
    let root = client.join();
    sees(&mut page, &root, client.sid());
    client.text(r#"42["bye"]"#);
    page.event("event_received");
    for _ in 0..2 {
        let ended = page.event("socket_disconnected");
        assert_eq!(ended[2], "server namespace disconnect");
        let rooms = if ended[0] == "/chat" { 2 } else { 1 };
        for _ in 0..rooms {
            let left = page.event("room_left");
            assert_eq!((&left[0], &left[2]), (&ended[0], &ended[1]));
        }
    }
}

#[test]
fn an_upgrade_is_told_for_each_socket() {
    let server = start(1);
    let mut page = page(&server);
    page.event("all_sockets");
    let mut session = Polling::joined(&server);
    page.event("room_joined");
    let connected = page.event("socket_connected");
    assert_eq!(connected[0]["transport"], "polling");
    let id = connected[0]["id"].as_str().unwrap();
    let mut ws = Ws::probe(&server, &session);
    ws.text("2probe");
    ws.expect("3probe");
    session.start_poll();
    session.finish_poll();
    ws.text("5");
    page.expect(&format!(
        r#"42/admin,["socket_updated",{{"id":"{id}","nsp":"/","transport":"websocket"}}]"#
    ));
}

#[test]
fn all_sockets_are_those_that_were_told_of() {
    let server = start(4);
    let mut clients: Vec<_> = (0..20).map(|_| Ws::joined(&server)).collect();
    clients[0].text(r#"421["join","r1"]"#);
    clients[0].expect("431[]");
    clients[1].text("41");
    clients[2].text("40/dyn-1,");
    clients[2].next_text();
    clients[3].text("40/chat,");
    clients[3].next_text();
    let gone = clients.pop().unwrap();
    drop(gone);
    let mut first = page(&server);
    first.event("all_sockets");
    // A second one, when the ends have been noticed.
    let mut page = page(&server);
    let all = page.event("all_sockets");
    let sockets = all[0].as_array().unwrap();
    let count = |nsp: &str| sockets.iter().filter(|socket| socket["nsp"] == nsp).count();
    assert_eq!(count("/admin"), 2);
    assert_eq!((count("/dyn-1"), count("/chat")), (1, 1));
    assert!((18..=20).contains(&count("/")), "{}", count("/"));
    let in_room = sockets.iter().filter(|socket| socket["rooms"][1] == "r1").count();
    assert_eq!(in_room, 1);
    let chat = sockets.iter().find(|socket| socket["nsp"] == "/chat").unwrap();
    let same_client = sockets.iter().filter(|socket| socket["clientId"] == chat["clientId"]);
    assert_eq!(same_client.count(), 2);
}

#[test]
fn secrets_of_clients_are_not_told() {
    let server = start(1);
    let mut page = page(&server);
    page.event("all_sockets");
    let mut http = Http::connect(&server);
    let headers = "Cookie: session=secret\r\nAuthorization: Bearer secret\r\nX-Forwarded-For: 203.0.113.9\r\n";
    http.send("GET", "/socket.io/?EIO=4&transport=polling", headers, "");
    let open = http.response();
    let sid = open.text().split('"').nth(3).unwrap().to_owned();
    http.post(&format!("/socket.io/?EIO=4&transport=polling&sid={sid}"), r#"40{"token":"secret"}"#);
    page.event("room_joined");
    let connected = page.event("socket_connected");
    assert_eq!(connected[0]["handshake"]["address"], "203.0.113.9");
    let text = connected[0].to_string();
    assert!(!text.contains("secret") && !text.contains(&sid), "{text}");
}

#[test]
fn pages_do_not_hear_what_pages_say() {
    let server = start(1);
    let mut client = Ws::open(&server);
    let id = client.join();
    let mut page = page(&server);
    page.event("all_sockets");
    page.command(r#"["emit","/",null,"from-ui","arg1",2]"#);
    page.expect(&format!(r#"42/admin,["event_sent","/","{id}",["from-ui","arg1",2],"T"]"#));
    page.command(&format!(r#"["_disconnect","/",false,"{id}"]"#));
    page.expect(&format!(
        r#"42/admin,["socket_disconnected","/","{id}","server namespace disconnect","T"]"#
    ));
}

#[test]
fn a_guard_is_not_asked_for_what_pages_are_told() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&asked);
    let admin = AdminUi::insecure_no_auth().mode(AdminMode::Development);
    let server = Server::start(
        |io| {
            io.instrument(admin).namespace("/", |ns| {
                echo(ns);
                ns.guard(move |cx: &EventCx<'_>| {
                    if cx.event() == "m" {
                        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                    cx.event() != "fence"
                });
            })
        },
        1,
    );
    let mut page = page(&server);
    page.event("all_sockets");
    let mut client = Ws::joined(&server);
    page.event("room_joined");
    page.event("socket_connected");
    client.text(r#"42["m",1]"#);
    client.expect(r#"42["m",1]"#);
    page.event("event_received");
    page.event("event_sent");
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}
