//! Who can see the page, and what is in it besides what clients do.

use std::sync::Arc;
use std::time::Instant;

use integration::{DEADLINE, Http, Polling, Server, Ws};
use sio_actix::{Forbidden, Metrics, Pattern};

use crate::page::Page;
use crate::{Carrier, serve};

const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

#[test]
fn there_is_no_page_unless_it_is_mounted() {
    let metrics = Metrics::default();
    let server = Server::start(|io| io.metrics(&metrics), 1);
    assert_eq!(Http::connect(&server).get("/metrics").status, 404);
    assert_eq!(Http::connect(&server).get("/health/ready").status, 404);
}

#[test]
fn the_page_is_that_of_openmetrics() {
    let (server, _) = serve(Carrier::Bare, 1, |io| io);
    let answer = Http::connect(&server).get("/metrics");
    answer.expect_header(
        "content-type",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    answer.expect_header("cache-control", "no-store");
    let page = Page::read(answer.text());
    assert_eq!(page.kind("sio_sessions"), Some("gauge"));
    assert_eq!(page.kind("sio_handler_seconds"), Some("histogram"));
    assert_eq!(page.kind("sio_events_received"), Some("counter"));
    assert_eq!(Http::connect(&server).request("POST", "/metrics").status, 404);
}

#[test]
fn names_that_clients_choose_are_no_labels() {
    let (server, _) = serve(Carrier::Bare, 1, |io| {
        io.namespace("/", |ns| {
            ns.on("known", || ());
            ns.fallback(|| ());
        })
        .namespace(Pattern::matching(|name| name.starts_with("/any")), |ns| {
            ns.fallback(|| ());
        })
    });
    let mut ws = Ws::joined(&server);
    for number in 0..50 {
        ws.text(&format!("40/any-{number},"));
        ws.next_text();
        ws.text(&format!(r#"42/any-{number},["name-{number}"]"#));
        ws.text(&format!(r#"42["name-{number}"]"#));
    }
    ws.text(r#"420["known"]"#);
    ws.expect("430[]");
    let page = Page::of(&server);
    let labels: Vec<&str> = page.series("sio_handler_seconds_count").into_keys().collect();
    assert_eq!(
        labels,
        [
            r#"namespace="/",event="known",outcome="ok""#,
            r#"namespace="/",event="other",outcome="ok""#,
            r#"namespace="a function",event="other",outcome="ok""#,
        ]
    );
    let sockets = page.series("sio_sockets");
    assert_eq!(sockets[r#"namespace="a function""#], 50.0);
}

#[test]
fn sessions_above_the_limit_are_counted_as_503() {
    let (server, _) = serve(Carrier::Bare, 1, |io| io.limits(|limits| limits.max_connections = 1));
    let _first = Polling::open(&server);
    assert_eq!(Http::connect(&server).get(HANDSHAKE).status, 503);
    let page = Page::of(&server);
    assert_eq!(page.get(r#"sio_requests_refused_total{code="503"}"#), 1.0);
    assert_eq!(page.get(r#"sio_limits_reached_total{limit="max_connections"}"#), 1.0);
}

#[test]
fn a_forbidden_handshake_is_counted_as_code_4() {
    let (server, _) = serve(Carrier::Bare, 1, |io| {
        io.allow_request(async |_: Arc<sio_actix::Handshake>| Err(Forbidden::from("no")))
    });
    assert_eq!(Http::connect(&server).get(HANDSHAKE).status, 403);
    assert_eq!(Page::of(&server).get(r#"sio_requests_refused_total{code="4"}"#), 1.0);
}

#[test]
fn a_server_that_drains_says_so() {
    let (server, _) = serve(Carrier::Bare, 1, |io| io);
    assert_eq!(Page::of(&server).get("sio_draining"), 0.0);
    server.io().refuse_sessions();
    assert_eq!(Page::of(&server).get("sio_draining"), 1.0);
}

#[test]
fn a_thread_that_is_kept_from_its_work_shows() {
    let (sender, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let (server, metrics) = serve(Carrier::Bare, 1, move |io| {
        io.namespace("/", move |ns| {
            ns.on("block", move || {
                let _released = blocked.lock().unwrap().recv();
            });
        })
    });
    // A thread begins with its first request.
    let mut ws = Ws::joined(&server);
    let page = Page::when(&server, |page| page.get("sio_worker_delay_seconds_count") > 0.0);
    assert_eq!(page.get("sio_workers"), 1.0);
    ws.text(r#"420["block"]"#);
    // The only thread cannot answer now.
    let end = Instant::now() + DEADLINE;
    while Page::read(&metrics.encode()).get("sio_worker_stalled_seconds") < 0.3 {
        assert!(Instant::now() < end, "a blocked thread does not show");
        std::thread::yield_now();
    }
    sender.send(()).unwrap();
    ws.expect("430[]");
    let page = Page::when(&server, |page| page.get("sio_worker_delay_seconds_sum") > 0.3);
    assert!(page.get("sio_worker_stalled_seconds") < 0.3, "{:#?}", page.non_zero());
}

#[test]
fn servers_that_are_gone_are_not_kept() {
    let metrics = Metrics::default();
    for _ in 0..2 {
        let server = Server::start(|io| io.metrics(&metrics), 1);
        let ws = Ws::joined(&server);
        drop(ws);
    }
    let page = Page::read(&metrics.encode());
    assert_eq!(page.get(r#"sio_connects_total{namespace="/"}"#), 2.0);
    // The last thread of a server may end a moment later.
    let end = Instant::now() + DEADLINE;
    while Page::read(&metrics.encode()).get("sio_namespaces") > 0.0 {
        assert!(Instant::now() < end, "the metrics keep a server");
        std::thread::yield_now();
    }
}

#[test]
fn a_namespace_that_is_registered_while_it_is_used_counts_as_before() {
    let (server, _) = serve(Carrier::Bare, 1, |io| io.namespace("/org/{org}", |_| {}));
    let mut ws = Ws::open(&server);
    ws.text("40/org/acme,");
    ws.next_text();
    let sockets = r#"sio_sockets{namespace="/org/{org}"}"#;
    Page::when(&server, |page| page.get(sockets) == 1.0);
    server.io().namespace("/org/acme", |_| {});
    ws.text("41/org/acme,");
    Page::when(&server, |page| page.series("sio_sockets").values().sum::<f64>() == 0.0);
    assert_eq!(Page::of(&server).get(sockets), 0.0);
}
