//! Socket.IO text packets in good order: encoding and tolerance (behaviours 17, 25, transcript T4).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Server, Ws, echo};
use sio_actix::prelude::*;

fn server() -> Server {
    Server::start(
        |io| {
            io.namespace("/admin?x=1", echo).namespace("/admin", echo).namespace("/", |ns| {
                echo(ns);
                ns.on("emit", |socket: Socket| {
                    socket.emit("a", ())?;
                    socket.emit("b", (1, "two", [3], serde_json::json!({"four": null})))?;
                    socket.emit("c", (None::<u8>, f64::NAN, f64::INFINITY))?;
                    socket.emit("false", false)?;
                    socket.send(None::<u8>)?;
                    Ok::<_, EventError>(())
                });
                ns.on("reserved", |socket: Socket| {
                    let names = ["connect", "connect_error", "disconnect", "disconnecting"];
                    for name in names.iter().chain(&["newListener", "removeListener"]) {
                        let error = socket.emit(name, 1).unwrap_err();
                        assert_eq!(
                            error.to_string(),
                            format!("\"{name}\" is a reserved event name")
                        );
                    }
                    for name in ["error", "connection", "new_namespace"] {
                        socket.emit(name, ())?;
                    }
                    Ok::<_, EventError>(())
                });
            })
        },
        1,
    )
}

// 17.19, 17.20, 25.7
#[test]
fn arguments_keep_order_and_arity() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42["emit"]"#);
    ws.expect(r#"42["a"]"#);
    ws.expect(r#"42["b",1,"two",[3],{"four":null}]"#);
    ws.expect(r#"42["c",null,null,null]"#);
    ws.expect(r#"42["false",false]"#);
    ws.expect(r#"42["message",null]"#);
}

// 25.5
#[test]
fn reserved_names_cannot_be_emitted() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"427["reserved"]"#);
    for name in ["error", "connection", "new_namespace"] {
        ws.expect(&format!(r#"42["{name}"]"#));
    }
    ws.expect("437[]");
}

// 25.7
#[test]
fn values_make_the_round_trip() {
    let server = server();
    let mut ws = Ws::joined(&server);
    for event in [
        r#"42["m",null,true,false,0,-1,1.5,"",[],{}]"#,
        r#"42["m",9007199254740991,-9007199254740991,18446744073709551615]"#,
        r#"42["m",{"b":1,"a":[1,{"c":null}]}]"#,
        r#"42["m","é€😀\u0000\n\"\\/"]"#,
        "42[\"m\",\"\u{2028}\u{2029}\u{feff}\"]",
        r#"42["m",{"__proto__":{"x":1},"":0}]"#,
        r#"42["m"]"#,
    ] {
        ws.text(event);
        ws.expect(event);
    }
}

// 17.13
#[test]
fn json_may_have_blanks() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text("421[ \"echo\" ,\t1 , { \"a\" : [ 2 ] } \n]\r\n");
    ws.expect(r#"431[1,{"a":[2]}]"#);
}

#[test]
fn main_namespace_may_be_named() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"42/,["m",1]"#);
    ws.expect(r#"42["m",1]"#);
    ws.text(r#"42/,7["echo",1]"#);
    ws.expect("437[1]");
}

// 17.14
#[test]
fn query_characters_belong_to_the_namespace() {
    let server = server();
    let mut ws = Ws::open(&server);
    ws.text("40/admin?x=1,");
    assert!(ws.next_text().starts_with(r#"40/admin?x=1,{"sid":""#));
    ws.text(r#"42/admin?x=1,5["echo"]"#);
    ws.expect("43/admin?x=1,5[]");
    ws.text("40/admin");
    assert!(ws.next_text().starts_with(r#"40/admin,{"sid":""#));
}

// 17.13, 17.24
#[test]
fn ack_ids_are_exact() {
    let server = server();
    let mut ws = Ws::joined(&server);
    for id in ["0", "1", "9007199254740991", "4294967296"] {
        ws.text(&format!(r#"42{id}["echo",{id}]"#));
        ws.expect(&format!("43{id}[{id}]"));
    }
}

// L7: at the limit; one above is refused in `raw_packets`.
#[test]
fn nesting_of_128_is_accepted() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let (open, close) = ("[".repeat(127), "]".repeat(127));
    ws.text(&format!(r#"421["echo",{open}{close}]"#));
    ws.expect(&format!("431[{open}{close}]"));
    ws.text(&format!(r#"422["echo","{open}{open}"]"#));
    ws.expect(&format!(r#"432["{open}{open}"]"#));
}

// 17.23
#[test]
fn large_json_makes_the_round_trip() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let event = format!(r#"42["m",[{}]]"#, numbers.join(","));
    ws.text(&event);
    ws.expect(&event);
}

// Hostile 65
#[test]
fn json_traps_are_never_silent() {
    let server = server();
    for (event, echo) in [
        (r#"421["echo",{"a":1,"a":2}]"#, true),
        (r#"421["echo","\ud800"]"#, false),
        (r#"421["echo",1e400]"#, false),
        (r#"421["echo",123456789012345678901234567890]"#, true),
        (r#"421["echo","\u0000"]"#, true),
        (r#"421["\u0065cho",1]"#, true),
    ] {
        let mut ws = Ws::joined(&server);
        ws.text(event);
        let frame = ws.next_frame();
        let answered = frame.is_text() && frame.text().starts_with("431[");
        // Refusing the packet is a visible answer as well.
        assert!(answered || (!echo && frame.head == 0x88), "{event}: {frame:?}");
    }
}

// 25.3: an ack for an event that nobody handles never comes; the next one does.
#[test]
fn unknown_event_is_never_acknowledged() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["nobody"]"#);
    ws.fence();
}

// 25.9
#[test]
fn panicking_handler_harms_nobody_else() {
    let server = Server::start(
        |io| {
            io.namespace("/", |ns| {
                echo(ns);
                ns.on("boom", |_: Rest<Value>| -> () { panic!("asked to") });
                ns.on("later", async || -> () {
                    actix_web::rt::task::yield_now().await;
                    panic!("asked to")
                });
            })
        },
        1,
    );
    let mut bystander = Ws::joined(&server);
    let mut ws = Ws::joined(&server);
    ws.text(r#"421["boom"]"#);
    assert!(ws.next_text().starts_with("431[{\"error\":"));
    ws.text(r#"422["later"]"#);
    assert!(ws.next_text().starts_with("432[{\"error\":"));
    ws.fence();
    bystander.fence();
}
