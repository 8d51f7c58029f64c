//! Sessions as parts of the traces that their clients have begun: the feature `opentelemetry`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use integration::{Http, Polling, Server, sid_of};
use opentelemetry::trace::{SpanId, TraceId, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const DEADLINE: Duration = Duration::from_secs(10);

/// Spans that have ended, from now on.
fn export() -> InMemorySpanExporter {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("sio"));
    tracing_subscriber::registry().with(EnvFilter::new("info,sio=debug")).with(layer).init();
    exporter
}

fn wait_for(exporter: &InMemorySpanExporter, name: &str) -> SpanData {
    let end = Instant::now() + DEADLINE;
    loop {
        let spans = exporter.get_finished_spans().unwrap();
        if let Some(span) = spans.iter().find(|span| span.name == name) {
            return span.clone();
        }
        assert!(Instant::now() < end, "no span {name} among {spans:#?}");
        std::thread::yield_now();
    }
}

fn server() -> Server {
    Server::start(
        |io| {
            io.namespace("/", |ns| {
                ns.on("work", async || {
                    tokio::task::yield_now().await;
                    let _work = tracing::info_span!("work of the application").entered();
                });
            })
        },
        1,
    )
}

#[test]
fn a_handlers_span_is_a_part_of_the_trace_that_its_client_has_begun() {
    let exporter = export();
    let server = server();
    let mut http = Http::connect(&server);
    let trace = "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    http.send("GET", "/socket.io/?EIO=4&transport=polling", trace, "");
    let sid = sid_of(http.response().text());
    let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    http.post(&target, "40\x1e421[\"work\"]").expect(200, "ok");
    http.get(&target);
    http.post(&target, "1").expect(200, "ok");
    let trace = TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
    let work = wait_for(&exporter, "work of the application");
    let event = wait_for(&exporter, "event");
    let connect = wait_for(&exporter, "connect");
    let session = wait_for(&exporter, "session");
    for span in [&work, &event, &connect, &session] {
        assert_eq!(span.span_context.trace_id(), trace, "{span:#?}");
    }
    assert_eq!(work.parent_span_id, event.span_context.span_id());
    assert_eq!(event.parent_span_id, session.span_context.span_id());
    assert_eq!(connect.parent_span_id, session.span_context.span_id());
    assert_eq!(session.parent_span_id, SpanId::from_hex("00f067aa0ba902b7").unwrap());
}

#[test]
fn a_session_of_a_client_without_a_trace_has_one_of_its_own() {
    let exporter = export();
    let server = server();
    let mut session = Polling::joined(&server);
    session.push("421[\"work\"]");
    session.poll();
    session.push("1");
    let work = wait_for(&exporter, "work of the application");
    let session = wait_for(&exporter, "session");
    assert_eq!(session.parent_span_id, SpanId::INVALID);
    assert_eq!(work.span_context.trace_id(), session.span_context.trace_id());
}
