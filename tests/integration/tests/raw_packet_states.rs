//! Packets that are illegal in their state, ignored, or ordinary (behaviours 19, classes S, I and OK;
//! hostile 50, 54-57).

use integration::In::{Binary as B, Text as T};
use integration::{PacketBench, Ws};

// ---- class S ------------------------------------------------------------------------------------

// 19.10
#[test]
fn connect_error_of_a_client_is_a_violation() {
    let mut bench = PacketBench::new();
    for packet in ["44", r#"44{"message":"x"}"#, r#"44"x""#, "44/admin,{}"] {
        bench.violation(&[T(packet)]);
    }
}

// 19.11
#[test]
fn second_connect_is_a_violation() {
    let mut bench = PacketBench::new();
    for packet in ["40", "40{}", "40/,"] {
        bench.violation(&[T(packet)]);
    }
}

// 19.12, 19.13
#[test]
fn packets_for_a_namespace_not_joined_are_violations() {
    let mut bench = PacketBench::new();
    for packet in [
        r#"42/admin,["m"]"#,
        "43/admin,1[]",
        "41/admin",
        "41/admin,",
        r#"42/unknown,["m"]"#,
        r#"451-/admin,["m",{"_placeholder":true,"num":0}]"#,
    ] {
        bench.violation(&[T(packet)]);
    }
}

// 25.6
#[test]
fn event_after_leaving_is_a_violation() {
    let bench = PacketBench::new();
    let mut ws = Ws::joined(bench.server());
    ws.text("41");
    ws.text(r#"42["m",1]"#);
    bench.journal().expect("client namespace disconnect");
    ws.expect_close(None);
}

// ---- classes I and OK ---------------------------------------------------------------------------

// 19.9, 27.6, hostile 54
#[test]
fn acks_nobody_waits_for_are_ignored() {
    let mut bench = PacketBench::new();
    for packet in ["43[]", r#"43["a"]"#, "431", "431[]", r#"4399["x"]"#, "439007199254740991[]"] {
        bench.is_ignored(&[T(packet), T(packet)]);
    }
    bench.is_ignored(&[T(r#"461-7[{"_placeholder":true,"num":0}]"#), B(&[1])]);
}

// 25.3, 19.14
#[test]
fn events_without_a_handler_are_ignored() {
    let mut bench = PacketBench::new();
    for packet in
        [r#"42["nobody"]"#, r#"427["nobody",1]"#, "42[1]", r#"42[-1.5e3,"a"]"#, r#"42["toString"]"#]
    {
        bench.is_ignored(&[T(packet)]);
    }
    bench.is_ignored(&[T(r#"451-["nobody",{"_placeholder":true,"num":0}]"#), B(&[1])]);
}

// 19.14, hostile 50
#[test]
fn names_that_are_special_elsewhere_are_ordinary_events() {
    let mut bench = PacketBench::new();
    for name in ["error", "connection", "message", "__proto__", "constructor"] {
        bench.answers(&[T(&format!(r#"421["{name}",1]"#))], &[T("431[1]")]);
    }
}
