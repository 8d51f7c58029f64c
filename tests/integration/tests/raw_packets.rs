//! Packets that no client may send, on both transports (behaviours 17-19, class P; hostile 44-53).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::In::{Binary as B, Text as T};
use integration::PacketBench;

const ONE: &str = r#"451-["m",{"_placeholder":true,"num":0}]"#;

// ---- class P ------------------------------------------------------------------------------------

// 19.1, 19.2
#[test]
fn unknown_packet_types_are_invalid() {
    let mut bench = PacketBench::new();
    for packet in ["4", "4abc", "47", "48", "49", "4-1", "4é", "4\"", "4 2[\"m\"]"] {
        bench.invalid(&[T(packet)]);
    }
}

// 19.3, 19.8
#[test]
fn events_without_a_proper_array_are_invalid() {
    let mut bench = PacketBench::new();
    for packet in [
        "42",
        "42{}",
        "42[]",
        r#"42["m""#,
        r#"42["m"]x"#,
        "42[true]",
        "42[null]",
        "42[{}]",
        "42[[]]",
        r#"42["m",]"#,
        r#"42["m" 1]"#,
        r#"42["m",1}"#,
        r#"42["m",01]"#,
        r#"42["m",'a']"#,
        r#"42["m",NaN]"#,
        "42[\"m\",\"\n\"]",
        r#"42["nobody",}]"#,
        r#"42["nobody",1"#,
        "42\"m\"",
        "427",
        r#"427["m"]]"#,
        r#"42["m"],"#,
    ] {
        bench.invalid(&[T(packet)]);
    }
}

// 19.4, hostile 49
#[test]
fn reserved_event_names_are_invalid() {
    let mut bench = PacketBench::new();
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        bench.invalid(&[T(&format!(r#"42["{name}"]"#))]);
        bench.invalid(&[T(&format!(r#"427["{name}",1]"#))]);
        bench.invalid(&[T(&format!(
            r#"42["\u{:04x}{}"]"#,
            name.as_bytes()[0],
            name.get(1..).unwrap()
        ))]);
    }
}

// 19.13: the whole text is the namespace, so the event has no payload.
#[test]
fn event_whose_namespace_has_no_comma_is_invalid() {
    let mut bench = PacketBench::new();
    bench.invalid(&[T(r#"42/admin["m"]"#)]);
    bench.invalid(&[T(r#"42/["m"]"#)]);
}

// 19.5, L8
#[test]
fn malformed_ack_ids_are_invalid() {
    let mut bench = PacketBench::new();
    for packet in [
        r#"42abc["m"]"#,
        r#"42-1["m"]"#,
        r#"421.5["m"]"#,
        r#"429007199254740992["m"]"#,
        r#"4299999999999999999999["m"]"#,
        r#"42１["m"]"#,
    ] {
        bench.invalid(&[T(packet)]);
    }
}

// 19.6
#[test]
fn payloads_of_the_wrong_type_are_invalid() {
    let mut bench = PacketBench::new();
    for packet in [
        "431{}",
        "43{}",
        "43\"x\"",
        "41{}",
        "41\"x\"",
        "41[]",
        "40[]",
        "40\"x\"",
        r#"40/admin,"x""#,
        "40/admin,[]",
        "40/admin,null",
        "40/admin,{",
        "40/admin,{}x",
        "40admin",
        "44[]",
        "44{",
        "44true",
    ] {
        bench.invalid(&[T(packet)]);
    }
}

// L7, hostile 51
#[test]
fn nesting_above_the_limit_is_invalid() {
    let mut bench = PacketBench::new();
    for depth in [129, 5_000, 150_000] {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        bench.invalid(&[T(&format!(r#"421["echo",{open}{close}]"#))]);
        bench.invalid(&[T(&format!(r#"42["nobody",{open}{close}]"#))]);
        let (open, close) = (r#"{"a":"#.repeat(depth), "}".repeat(depth));
        bench.invalid(&[T(&format!("40/admin,{open}1{close}"))]);
    }
}

// L9, hostile 59
#[test]
fn namespace_of_256_bytes_is_invalid() {
    let mut bench = PacketBench::new();
    for length in [256, 100_000] {
        let name = format!("/{}", "n".repeat(length - 1));
        bench.invalid(&[T(&format!("40{name},"))]);
        bench.invalid(&[T(&format!("42{name},[\"m\"]"))]);
    }
}

// 18.9, 18.10, 18.8
#[test]
fn malformed_attachment_counts_are_invalid() {
    let mut bench = PacketBench::new();
    for packet in [
        "45",
        "451",
        "45a-",
        "451.23-",
        r#"45["m"]"#,
        r#"451["m"]"#,
        r#"45-1-["m"]"#,
        r#"450-["m"]"#,
        r#"4511-["m"]"#,
        r#"45-["m"]"#,
        r#"4599999999999999999999-["m"]"#,
        r#"460-1[]"#,
        r#"4611-1[]"#,
        "46",
        "451-",
        r#"451-{}"#,
        r#"451-["disconnect"]"#,
    ] {
        bench.invalid(&[T(packet)]);
    }
}

// 18.4, 18.5, hostile 46
#[test]
fn attachments_out_of_place_are_invalid() {
    let mut bench = PacketBench::new();
    bench.invalid(&[B(&[1])]);
    bench.invalid(&[T(ONE), T(r#"42["m"]"#)]);
    bench.invalid(&[T(ONE), T(ONE)]);
    bench.invalid(&[T(ONE), T("41")]);
    bench.invalid(&[T(r#"42["fence"]"#), B(&[])]);
}

// 18.6, hostile 47
#[test]
fn placeholders_that_fit_no_attachment_are_invalid() {
    let mut bench = PacketBench::new();
    for num in
        [r#","num":1"#, r#","num":-1"#, r#","num":"0""#, r#","num":0.5"#, "", r#","num":null"#]
    {
        for event in ["m", "nobody"] {
            let header = format!(r#"451-["{event}",{{"_placeholder":true{num}}}]"#);
            bench.invalid(&[T(&header), B(&[1])]);
        }
        let header = format!(r#"461-7[{{"_placeholder":true{num}}}]"#);
        bench.invalid(&[T(&header), B(&[1])]);
    }
}
