//! A run in which everything is counted on both sides.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::{DEADLINE, Http, Polling, Server};
use serde_json::Value as Json;
use sio_actix::prelude::*;
use sio_client::Client as RustClient;

use crate::counting::{Client, Counts};
use crate::page::Page;
use crate::{CARRIERS, Carrier, serve};

const BYTES: (&[u8], &str) = (b"abc", "YWJj");
const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;
const ECHOES: u64 = 5;
/// How long clients have for an ack that one of them never gives.
const PATIENCE: Duration = Duration::from_millis(300);
const MAX_PAYLOAD: usize = 10_000;

fn handlers(ns: &mut NamespaceBuilder) {
    ns.on("echo", |args: Rest<Value>| args);
    ns.on("fail", || Err::<(), _>(EventError::new("no", "not today")));
    ns.on("leave", |socket: Socket| socket.disconnect(true));
}

fn start(carrier: Carrier, workers: usize) -> Server {
    let build = |io: sio_actix::IoBuilder| {
        io.max_payload(MAX_PAYLOAD).namespace("/", handlers).namespace("/org/{org}", handlers)
    };
    serve(carrier, workers, build).0
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Requests that are refused, each in another way.
fn be_refused(server: &Server) {
    let refused = |method: &str, target: &str, status: u16| {
        let answer = Http::connect(server).request(method, target);
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    };
    refused("GET", "/socket.io/?EIO=4&transport=pigeon", 400);
    refused("GET", "/socket.io/?EIO=4&transport=polling&sid=unknown", 400);
    refused("GET", "/socket.io/?EIO=4&transport=polling&sid=unknown-too", 400);
    refused("POST", "/socket.io/?EIO=4&transport=polling", 400);
    refused("GET", "/socket.io/?EIO=4&transport=websocket", 400);
    refused("GET", "/socket.io/?EIO=3&transport=polling", 400);
    refused("GET", &format!("/socket.io/?EIO=4&transport=polling&x={}", "x".repeat(9_000)), 414);
    // A session that sends too much at once.
    let mut polling = Polling::open(server);
    assert_eq!(polling.try_push("4".repeat(MAX_PAYLOAD + 1)).status, 413);
}

/// Echoes, failures and names that nobody knows.
fn talk(client: &mut Client, number: usize) {
    client.join("/");
    for echo in 0..ECHOES {
        client.send(&format!(r#"2{echo}["echo",{echo}]"#));
        client.expect(&format!("3{echo}[{echo}]"));
    }
    client.send(&format!(r#"51-7["echo",{PLACEHOLDER}]"#));
    client.send_binary(BYTES.0, BYTES.1);
    client.expect(&format!("61-7[{PLACEHOLDER}]"));
    client.expect_binary(BYTES.0, BYTES.1);
    client.send(r#"28["fail"]"#);
    client.expect(r#"38[{"error":{"code":"no","message":"not today"}}]"#);
    client.send(&format!(r#"2["made-up-{number}",{{}}]"#));
    // What was sent without an ack has been handled as well.
    client.send(r#"29["echo"]"#);
    client.expect("39[]");
}

/// What a map of labels and numbers is expected to be.
fn labelled<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<&str, f64> {
    expected.into_iter().map(|(label, value)| (label, value as f64)).collect()
}

#[track_caller]
fn assert_total(page: &Page, name: &str, expected: u64) {
    let sum: f64 = page.series(name).values().sum::<f64>() + page.get(name);
    assert_eq!(sum as u64, expected, "{name} in {:#?}", page.non_zero());
}

fn run(carrier: Carrier, workers: usize) {
    let server = start(carrier, workers);
    be_refused(&server);
    let mut counted = Counts::default();

    // Five who join `/`, one of them upgraded.
    let mut polling = Client::polling(&server);
    let mut upgraded = Client::polling(&server).upgrade(&server);
    let mut kicked = Client::websocket(&server);
    let mut cut = Client::websocket(&server);
    let mut lost = Client::polling(&server);
    let mut all = [&mut polling, &mut upgraded, &mut kicked, &mut cut, &mut lost];
    for (number, client) in all.iter_mut().enumerate() {
        talk(client, number);
    }
    // Dynamic namespaces.
    for (client, namespace) in [(1, "/org/acme"), (2, "/org/globex")] {
        all[client].join(namespace);
        all[client].send(&format!(r#"2{namespace},1["echo"]"#));
        all[client].expect(&format!("3{namespace},1[]"));
    }
    cut_refused(all[3]);

    // To everybody, to those of a pattern, and to those who are ready: the two on polling are not.
    server.io().emit("news", 1).unwrap();
    all.iter_mut().for_each(|client| client.expect(r#"2["news",1]"#));
    server.io().of_pattern("/org/{org}").emit("news", 2).unwrap();
    all[1].expect(r#"2/org/acme,["news",2]"#);
    all[2].expect(r#"2/org/globex,["news",2]"#);
    server.io().volatile().emit("maybe", 3).unwrap();
    all[1..4].iter_mut().for_each(|client| client.expect(r#"2["maybe",3]"#));

    // One does not answer.
    let io = server.io().clone();
    let asked = std::thread::spawn(move || {
        block_on(io.emit_with_ack::<Json>("ask", 4, PATIENCE)).unwrap_err().responses
    });
    for (number, client) in all.iter_mut().enumerate() {
        client.expect(r#"20["ask",4]"#);
        if number > 0 {
            client.send(&format!("30[{number}]"));
        }
    }
    assert_eq!(asked.join().unwrap().len(), 4);

    let page = Page::of(&server);
    assert_eq!(
        page.series("sio_sessions"),
        labelled([(r#"transport="polling""#, 2), (r#"transport="websocket""#, 3)])
    );
    assert_eq!(
        page.series("sio_sockets"),
        labelled([(r#"namespace="/""#, 5), (r#"namespace="/org/{org}""#, 2)])
    );

    // All kinds of ends.
    server.io().of("/org/globex").disconnect_sockets(false);
    all[2].expect("1/org/globex,");
    all[2].send(r#"2["leave"]"#);
    all[2].expect("1");
    all[1].send("1");
    counted.add(kicked.cut());
    counted.add(cut.cut());
    counted.add(lost.cut());
    counted.add(upgraded.close());
    counted.add(polling.close());
    let mut broken = Client::websocket(&server);
    broken.send("x");
    counted.add(broken.cut());

    let sessions = 7;
    let page = Page::when(&server, |page| {
        page.series("sio_sessions").is_empty()
            && page.series("sio_session_closes_total").values().sum::<f64>() >= f64::from(sessions)
    });
    assert_eq!(
        page.series("sio_sessions_opened_total"),
        labelled([(r#"transport="polling""#, 4), (r#"transport="websocket""#, 3)])
    );
    assert_total(&page, "sio_session_upgrades_total", 1);
    assert_eq!(
        page.series("sio_session_closes_total"),
        labelled([
            (r#"reason="forced close""#, 1),
            (r#"reason="server namespace disconnect""#, 1),
            (r#"reason="transport close""#, 3),
            (r#"reason="transport error""#, 2),
        ])
    );
    assert_eq!(page.series("sio_sockets"), labelled([]));
    assert_eq!(
        page.series("sio_connects_total"),
        labelled([(r#"namespace="/""#, 5), (r#"namespace="/org/{org}""#, 2)])
    );
    assert_eq!(
        page.series("sio_disconnects_total"),
        labelled([
            (r#"namespace="/",reason="client namespace disconnect""#, 1),
            (r#"namespace="/",reason="server namespace disconnect""#, 1),
            (r#"namespace="/",reason="transport close""#, 2),
            (r#"namespace="/",reason="transport error""#, 1),
            (r#"namespace="/org/{org}",reason="server namespace disconnect""#, 1),
            (r#"namespace="/org/{org}",reason="transport close""#, 1),
        ])
    );
    assert_total(&page, "sio_connects_refused_total", 1);
    assert_eq!(
        page.series("sio_requests_refused_total"),
        labelled([
            (r#"code="0""#, 1),
            (r#"code="1""#, 2),
            (r#"code="2""#, 1),
            (r#"code="3""#, 1),
            (r#"code="413""#, 1),
            (r#"code="414""#, 1),
            (r#"code="5""#, 1),
        ])
    );
    assert_eq!(
        page.series("sio_limits_reached_total"),
        labelled([(r#"limit="max_payload""#, 1), (r#"limit="max_request_target""#, 1)])
    );

    // What was said.
    assert_total(&page, "sio_packets_received_total", counted.packets_in);
    assert_total(&page, "sio_received_bytes_total", counted.bytes_in);
    assert_total(&page, "sio_packets_sent_total", counted.packets_out);
    assert_total(&page, "sio_sent_bytes_total", counted.bytes_out);
    assert_total(&page, "sio_events_received_total", counted.events_in);
    assert_total(&page, "sio_volatile_dropped_total", 2);
    assert_total(&page, "sio_events_sent_total", counted.events_out + 2);
    assert_eq!(page.series("sio_ack_timeouts_total"), labelled([(r#"namespace="/""#, 1)]));
    let handled = |event: &str, outcome: &str, namespace: &str| {
        let labels = format!(r#"namespace="{namespace}",event="{event}",outcome="{outcome}""#);
        page.get(&format!("sio_handler_seconds_count{{{labels}}}")) as u64
    };
    assert_eq!(handled("echo", "ok", "/"), 5 * (ECHOES + 2));
    assert_eq!(handled("echo", "ok", "/org/{org}"), 2);
    assert_eq!(handled("fail", "error", "/"), 5);
    assert_eq!(handled("leave", "ok", "/"), 1);
    // Nobody's names are labels.
    assert_eq!(page.series("sio_handler_seconds_count").len(), 4);
    for gauge in ["sio_queued_bytes", "sio_queued_packets", "sio_rooms", "sio_pending_acks"] {
        assert_total(&page, gauge, 0);
    }
    serve_the_rust_client(&server, &page);
}

/// A CONNECT that is refused.
fn cut_refused(client: &mut Client) {
    client.send("0/nowhere,");
    client.expect(r#"4/nowhere,{"message":"Invalid namespace"}"#);
}

/// A client that does not show its packets: its events are counted.
fn serve_the_rust_client(server: &Server, before: &Page) {
    let url = format!("http://{}", server.address());
    let io = server.io().clone();
    block_on(async {
        let client = RustClient::builder(&url).build().unwrap();
        let socket = client.socket("/");
        let mut news = socket.stream::<u64>("news");
        tokio::time::timeout(DEADLINE, socket.connect()).await.unwrap().unwrap();
        for number in 0..ECHOES {
            let echo = socket.emit_with_ack_within::<u64>(DEADLINE, "echo", number);
            assert_eq!(echo.await.unwrap(), number);
        }
        io.emit("news", 9).unwrap();
        let heard = tokio::time::timeout(DEADLINE, news.next()).await.unwrap();
        assert_eq!(heard.unwrap().unwrap(), 9);
        client.close().await;
    });
    let page = Page::when(server, |page| page.series("sio_sessions").is_empty());
    let more = |series: &str| (page.get(series) - before.get(series)) as u64;
    assert_eq!(more(r#"sio_sessions_opened_total{transport="polling"}"#), 1);
    assert_eq!(more(r#"sio_connects_total{namespace="/"}"#), 1);
    assert_eq!(more(r#"sio_events_received_total{namespace="/"}"#), ECHOES);
    assert_eq!(more(r#"sio_events_sent_total{namespace="/"}"#), 1);
}

#[test]
fn every_number_is_what_clients_have_counted_on_one_worker() {
    CARRIERS.into_iter().for_each(|carrier| run(carrier, 1));
}

#[test]
fn every_number_is_what_clients_have_counted_on_two_workers() {
    CARRIERS.into_iter().for_each(|carrier| run(carrier, 2));
}
