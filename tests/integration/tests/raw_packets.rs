//! What every Socket.IO packet leads to, on both transports (behaviours 17-19, hostile 44-57).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use integration::{Journal, Polling, Server, Ws, echo};
use sio_actix::prelude::*;

/// One frame of the client.
#[derive(Debug, Clone, Copy)]
enum In<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

use In::{Binary as B, Text as T};

/// The echo application, one that waits on `/admin`, and a journal of the reasons on `/`.
struct Bench {
    server: Server,
    journal: Journal,
    bystander: Ws,
}

impl Bench {
    fn new() -> Self {
        let journal = Journal::new();
        let noted = journal.clone();
        let server = Server::start(
            |io| {
                io.namespace("/admin", echo).namespace("/", |ns| {
                    echo(ns);
                    for name in ["error", "connection", "message", "__proto__", "constructor"] {
                        ns.on(name, |args: Rest<Value>| args);
                    }
                    ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
                })
            },
            1,
        );
        let bystander = Ws::joined(&server);
        Self { server, journal, bystander }
    }

    /// The input closes the session; `reasons` on WebSocket and on polling without a poll.
    #[track_caller]
    fn closes(&mut self, input: &[In<'_>], reasons: [&str; 2]) {
        let context = format!("{input:?}");
        let mut ws = Ws::joined(&self.server);
        send_frames(&mut ws, input);
        ws.expect_close(None);
        assert_eq!(self.journal.next(), reasons[0], "{context}");

        let mut session = Polling::joined(&self.server);
        session.push(payload(input));
        assert_eq!(session.poll(), "6\x1e1", "{context}");
        assert_eq!(self.journal.next(), reasons[1], "{context}");
        session.expect_unknown();

        // With a poll waiting the farewell is a close packet.
        let mut session = Polling::joined(&self.server);
        session.start_poll();
        session.push("3");
        session.push(payload(input));
        let farewell = session.finish_poll();
        assert_eq!((farewell.status, farewell.text()), (200, "1"), "{context}");
        assert_eq!(self.journal.next(), reasons[0], "{context}");
        self.bystander.fence();
    }

    /// Class P: the packet is invalid.
    #[track_caller]
    fn invalid(&mut self, input: &[In<'_>]) {
        self.closes(input, ["forced close"; 2]);
    }

    /// Class S: the packet is illegal in this state.
    #[track_caller]
    fn violation(&mut self, input: &[In<'_>]) {
        self.closes(input, ["forced close", "forced server close"]);
    }

    /// Classes I and OK: the input is answered by `output` and the session goes on.
    #[track_caller]
    fn answers(&mut self, input: &[In<'_>], output: &[In<'_>]) {
        let mut ws = Ws::joined(&self.server);
        send_frames(&mut ws, input);
        for frame in output {
            match frame {
                T(text) => ws.expect(text),
                B(bytes) => ws.expect_binary(bytes),
            }
        }
        ws.fence();
        ws.text("41");
        self.journal.expect("client namespace disconnect");

        let mut session = Polling::joined(&self.server);
        session.push(payload(input));
        if !output.is_empty() {
            assert_eq!(session.poll(), payload(output), "{input:?}");
        }
        session.fence();
        session.push("41");
        self.journal.expect("client namespace disconnect");
        self.bystander.fence();
    }

    #[track_caller]
    fn is_ignored(&mut self, input: &[In<'_>]) {
        self.answers(input, &[]);
    }
}

#[track_caller]
fn send_frames(ws: &mut Ws, input: &[In<'_>]) {
    for frame in input {
        match frame {
            T(text) => ws.text(text),
            B(bytes) => ws.binary(bytes),
        }
    }
}

/// The frames as one polling payload; attachments are given as base64 of up to three equal bytes.
fn payload(frames: &[In<'_>]) -> String {
    let packets: Vec<String> = frames
        .iter()
        .map(|frame| match frame {
            T(text) => (*text).to_owned(),
            B([]) => "b".to_owned(),
            B([1]) => "bAQ==".to_owned(),
            B([2]) => "bAg==".to_owned(),
            B([1, 2]) => "bAQI=".to_owned(),
            B([3, 4, 5]) => "bAwQF".to_owned(),
            B(other) => panic!("no base64 for {other:?}"),
        })
        .collect();
    packets.join("\x1e")
}

const ONE: &str = r#"451-["m",{"_placeholder":true,"num":0}]"#;

// ---- class P ------------------------------------------------------------------------------------

// 19.1, 19.2
#[test]
fn unknown_packet_types_are_invalid() {
    let mut bench = Bench::new();
    for packet in ["4", "4abc", "47", "48", "49", "4-1", "4é", "4\"", "4 2[\"m\"]"] {
        bench.invalid(&[T(packet)]);
    }
}

// 19.3, 19.8
#[test]
fn events_without_a_proper_array_are_invalid() {
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        bench.invalid(&[T(&format!(r#"42["{name}"]"#))]);
        bench.invalid(&[T(&format!(r#"427["{name}",1]"#))]);
        bench.invalid(&[T(&format!(r#"42["\u{:04x}{}"]"#, name.as_bytes()[0], &name[1..]))]);
    }
}

// 19.13: the whole text is the namespace, so the event has no payload.
#[test]
fn event_whose_namespace_has_no_comma_is_invalid() {
    let mut bench = Bench::new();
    bench.invalid(&[T(r#"42/admin["m"]"#)]);
    bench.invalid(&[T(r#"42/["m"]"#)]);
}

// 19.5, L8
#[test]
fn malformed_ack_ids_are_invalid() {
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
    for length in [256, 100_000] {
        let name = format!("/{}", "n".repeat(length - 1));
        bench.invalid(&[T(&format!("40{name},"))]);
        bench.invalid(&[T(&format!("42{name},[\"m\"]"))]);
    }
}

// 18.9, 18.10, 18.8
#[test]
fn malformed_attachment_counts_are_invalid() {
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
    bench.invalid(&[B(&[1])]);
    bench.invalid(&[T(ONE), T(r#"42["m"]"#)]);
    bench.invalid(&[T(ONE), T(ONE)]);
    bench.invalid(&[T(ONE), T("41")]);
    bench.invalid(&[T(r#"42["fence"]"#), B(&[])]);
}

// 18.6, hostile 47
#[test]
fn placeholders_that_fit_no_attachment_are_invalid() {
    let mut bench = Bench::new();
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

// ---- class S ------------------------------------------------------------------------------------

// 19.10
#[test]
fn connect_error_of_a_client_is_a_violation() {
    let mut bench = Bench::new();
    for packet in ["44", r#"44{"message":"x"}"#, r#"44"x""#, "44/admin,{}"] {
        bench.violation(&[T(packet)]);
    }
}

// 19.11
#[test]
fn second_connect_is_a_violation() {
    let mut bench = Bench::new();
    for packet in ["40", "40{}", "40/,"] {
        bench.violation(&[T(packet)]);
    }
}

// 19.12, 19.13
#[test]
fn packets_for_a_namespace_not_joined_are_violations() {
    let mut bench = Bench::new();
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
    let bench = Bench::new();
    let mut ws = Ws::joined(&bench.server);
    ws.text("41");
    ws.text(r#"42["m",1]"#);
    bench.journal.expect("client namespace disconnect");
    ws.expect_close(None);
}

// ---- classes I and OK ---------------------------------------------------------------------------

// 19.9, 27.6, hostile 54
#[test]
fn acks_nobody_waits_for_are_ignored() {
    let mut bench = Bench::new();
    for packet in ["43[]", r#"43["a"]"#, "431", "431[]", r#"4399["x"]"#, "439007199254740991[]"] {
        bench.is_ignored(&[T(packet), T(packet)]);
    }
    bench.is_ignored(&[T(r#"461-7[{"_placeholder":true,"num":0}]"#), B(&[1])]);
}

// 25.3, 19.14
#[test]
fn events_without_a_handler_are_ignored() {
    let mut bench = Bench::new();
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
    let mut bench = Bench::new();
    for name in ["error", "connection", "message", "__proto__", "constructor"] {
        bench.answers(&[T(&format!(r#"421["{name}",1]"#))], &[T("431[1]")]);
    }
}
