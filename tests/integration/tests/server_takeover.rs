//! `sio_actix::Server`: requests around WebSockets that get their connection's stream, and fall-backs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use actix_web::body::MessageBody as _;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Logger, Next, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpMessage as _, HttpRequest, HttpResponse, HttpServer};
use futures_util::StreamExt as _;
use integration::{DEADLINE, Http, Journal, Polling, Server, Ws, echo, masked};
use sio_actix::prelude::*;

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

fn io() -> Io {
    Io::builder().namespace("/", echo).build()
}

/// A server whose application is made by `$app` from an `App` with an echo server.
macro_rules! serve {
    ($io:expr, |$server:ident| $configured:expr, $app:expr) => {{
        let io: Io = $io;
        let served = io.clone();
        Server::host(io, move |listener| {
            let $server = sio_actix::Server::new(move || {
                let make = $app;
                make(App::new().configure(served.configure()))
            });
            $configured.workers(1).disable_signals().listen(listener).unwrap().run()
        })
    }};
    ($io:expr, $app:expr) => {
        serve!($io, |server| server, $app)
    };
}

async fn hello() -> &'static str {
    "hello"
}

// ---- what is not taken --------------------------------------------------------------------------

#[test]
fn upgrade_elsewhere_is_refused_as_any_request() {
    let server = serve!(io(), |app: App<_>| app);
    let mut http = Http::connect(&server);
    http.write(Ws::handshake("/elsewhere"));
    assert_eq!(http.response().status, 404);
    Ws::joined(&server).fence();
}

#[test]
fn other_upgrade_is_an_ordinary_request() {
    let server = serve!(io(), |app: App<_>| app.route("/", web::get().to(hello)));
    let mut http = Http::connect(&server);
    http.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n");
    http.response().expect(200, "hello");
}

#[test]
fn connections_that_end_by_a_reset_end_their_sessions() {
    let (server, journal) = Server::recorded(|io| io, 1);
    let mut ws = Ws::joined(&server);
    ws.fence();
    ws.into_wire().reset();
    journal.expect("transport close");
    // Before the answer to the handshake was read, and with a frame behind it.
    let mut http = Http::connect(&server);
    http.write([Ws::handshake(TARGET).as_bytes(), &masked(0x81, "40")].concat());
    http.into_wire().reset();
    Ws::joined(&server).fence();
    let deadline = Instant::now() + DEADLINE;
    while server.io().session_count() > 0 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(server.io().session_count(), 0);
}

async fn refuse(
    request: ServiceRequest,
    _next: Next<impl actix_web::body::MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    Ok(request.into_response(HttpResponse::Unauthorized().finish()))
}

async fn replace(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let (answered, seen) = {
        let answer = next.call(request).await?;
        let status = answer.status();
        (answer.into_parts().0, status)
    };
    assert_eq!(seen, StatusCode::SWITCHING_PROTOCOLS);
    Ok(ServiceResponse::new(answered, HttpResponse::Forbidden().finish()))
}

#[test]
fn middleware_may_refuse_before_the_handshake() {
    let server = serve!(io(), |app: App<_>| app.wrap(from_fn(refuse)));
    assert_eq!(Ws::attempt(&server, TARGET).0.status, 401);
    assert_eq!(server.io().session_count(), 0);
}

#[test]
fn middleware_may_replace_the_answer_to_a_handshake() {
    let server = serve!(io(), |app: App<_>| app.wrap(from_fn(replace)));
    let (refusal, mut wire) = Ws::attempt(&server, TARGET);
    assert_eq!(refusal.status, 403);
    // The session that the handshake opened is over, and the connection with it.
    wire.expect_end();
    assert_eq!(server.io().session_count(), 0);
}

async fn own_payload(
    mut request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    let payload = Box::pin(request.take_payload().map(|chunk| chunk));
    request.set_payload(Payload::Stream { payload });
    next.call(request).await
}

#[test]
fn stream_stays_where_middleware_has_the_payload() {
    let server = serve!(io(), |app: App<_>| app.wrap(from_fn(own_payload)));
    let mut ws = Ws::joined(&server);
    ws.text(&format!(r#"421["echo","{}"]"#, "x".repeat(100_000)));
    ws.expect(&format!(r#"431["{}"]"#, "x".repeat(100_000)));
}

async fn other_websocket(
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        while let Some(Ok(actix_ws::Message::Text(text))) = messages.recv().await {
            if session.text(text).await.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

#[test]
fn websockets_of_another_library_run_in_the_same_application() {
    let server = serve!(io(), |app: App<_>| app.route("/other", web::get().to(other_websocket)));
    let mut other = Ws::connect(&server, "/other");
    let mut own = Ws::joined(&server);
    for text in ["one", "two"] {
        other.text(text);
        other.expect(text);
        own.fence();
    }
}

// ---- fall-backs ---------------------------------------------------------------------------------

#[test]
fn same_application_runs_under_the_stock_server() {
    let io = io();
    let served = io.clone();
    let server = Server::host(io, |listener| {
        HttpServer::new(move || App::new().configure(served.configure()))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run()
    });
    Ws::joined(&server).fence();
}

#[actix_web::test]
async fn same_application_runs_without_a_server() {
    let app = actix_web::test::init_service(App::new().configure(io().configure())).await;
    let request = actix_web::test::TestRequest::get()
        .uri(TARGET)
        .insert_header(("connection", "upgrade"))
        .insert_header(("upgrade", "websocket"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
        .to_request();
    let response = actix_web::test::call_service(&app, request).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut body = Box::pin(response.into_body());
    let first = std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await;
    let first: Bytes = first.unwrap().unwrap();
    assert!(first[2..].starts_with(b"0{\"sid\":"), "{first:?}");
}

// ---- around the handshake -----------------------------------------------------------------------

#[test]
fn ordinary_requests_may_come_before_the_handshake_on_its_connection() {
    let server = serve!(io(), |app: App<_>| {
        app.route("/", web::get().to(hello))
            .route("/length", web::post().to(async |body: Bytes| body.len().to_string()))
    });
    let mut http = Http::connect(&server);
    http.get("/").expect(200, "hello");
    http.post("/length", vec![b'x'; 100_000]).expect(200, "100000");
    // A whole session's polls, too.
    let open = http.get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(open.status, 200);
    http.write(Ws::handshake(TARGET));
    assert_eq!(http.response().status, 101);
    let mut wire = http.into_wire();
    wire.take_when("open packet", |input| input.ends_with(b"}").then_some(input.len()));
    wire.write(masked(0x81, "40"));
    wire.take_when("answer", |input| input.ends_with(b"}").then_some(input.len()));
    wire.write(masked(0x81, r#"421["echo",1]"#));
    assert_eq!(wire.take(8), b"\x81\x06431[1]");
}

#[test]
fn handshake_may_come_in_one_segment_with_requests_before_it() {
    let server = serve!(io(), |app: App<_>| app.route("/", web::get().to(hello)));
    let mut http = Http::connect(&server);
    let get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let frames = [masked(0x81, "40"), masked(0x81, r#"421["echo",1]"#)].concat();
    http.write([format!("{get}{get}{}", Ws::handshake(TARGET)).as_bytes(), &frames].concat());
    http.response().expect(200, "hello");
    http.response().expect(200, "hello");
    assert_eq!(http.response().status, 101);
    http.into_wire()
        .take_when("answers", |input| input.ends_with(b"431[1]").then_some(input.len()));
}

#[test]
fn many_frames_that_come_with_the_handshake_keep_their_order() {
    let server = serve!(io(), |app: App<_>| app);
    let pad = "x".repeat(90);
    let frames: Vec<u8> = std::iter::once(masked(0x81, "40"))
        .chain((0..3000).map(|n| masked(0x81, format!(r#"42{n}["echo",{n},"{pad}"]"#))))
        .flatten()
        .collect();
    assert!(frames.len() > 300_000);
    let mut http = Http::connect(&server);
    http.write([Ws::handshake(TARGET).as_bytes(), &frames].concat());
    assert_eq!(http.response().status, 101);
    let mut ws = Ws::over(http.into_wire());
    assert!(ws.next_text().starts_with("0{"));
    assert!(ws.next_text().starts_with("40{"));
    for n in 0..3000 {
        ws.expect(&format!(r#"43{n}[{n},"{pad}"]"#));
    }
}

#[test]
fn large_frame_may_come_with_the_handshake() {
    let server = serve!(io(), |app: App<_>| app);
    let text = "y".repeat(900_000);
    let event = masked(0x81, format!(r#"421["echo","{text}"]"#));
    let mut http = Http::connect(&server);
    http.write([Ws::handshake(TARGET).as_bytes(), &masked(0x81, "40"), &event].concat());
    assert_eq!(http.response().status, 101);
    let mut ws = Ws::over(http.into_wire());
    assert!(ws.next_text().starts_with("0{"));
    assert!(ws.next_text().starts_with("40{"));
    ws.expect(&format!(r#"431["{text}"]"#));
    // And again on the bare stream.
    ws.wire().write(event);
    ws.expect(&format!(r#"431["{text}"]"#));
}

#[test]
fn connection_that_is_half_closed_behind_the_handshake_ends() {
    let server = serve!(io(), |server| server.h1_allow_half_closed(false), |app: App<_>| app);
    let mut http = Http::connect(&server);
    http.write([Ws::handshake(TARGET).as_bytes(), &masked(0x81, "40")].concat());
    let mut wire = http.into_wire();
    wire.finish_writing();
    wire.take_to_end();
    let deadline = Instant::now() + DEADLINE;
    while server.io().session_count() > 0 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(server.io().session_count(), 0);
}

#[test]
fn answer_that_is_written_byte_by_byte_gives_the_stream_up_all_the_same() {
    let server = serve!(io(), |server| server.h1_write_buffer_size(1), |app: App<_>| app);
    let mut ws = Ws::joined(&server);
    for _ in 0..10 {
        ws.fence();
    }
}

// ---- what the application sees ------------------------------------------------------------------

#[test]
fn logger_and_extensions_work_around_websockets() {
    async fn mark(
        request: ServiceRequest,
        next: Next<impl actix_web::body::MessageBody>,
    ) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
        request.extensions_mut().insert(7_u32);
        next.call(request).await
    }
    async fn marked(request: HttpRequest) -> String {
        request.extensions().get::<u32>().map(u32::to_string).unwrap_or_default()
    }
    let server = serve!(io(), |app: App<_>| {
        app.route("/", web::get().to(marked)).wrap(from_fn(mark)).wrap(Logger::default())
    });
    let mut ws = Ws::joined(&server);
    ws.fence();
    Http::connect(&server).get("/").expect(200, "7");
    ws.fence();
}

struct Port(u16);

#[test]
fn hook_sees_the_tcp_stream_and_its_data_reach_requests() {
    async fn port(request: HttpRequest) -> String {
        let known = request.conn_data::<Port>().map_or(0, |port| port.0);
        format!("{} {}", known, request.peer_addr().is_some_and(|peer| peer.port() == known))
    }
    let journal = Journal::new();
    let noted = journal.clone();
    let io = Io::builder()
        .namespace("/", move |ns| {
            ns.on_connection(move |socket: Socket| {
                noted.note(socket.handshake().address().unwrap().port().to_string());
            });
        })
        .build();
    let server = serve!(
        io,
        |server| server.on_connect(|stream, data| {
            let tcp = stream.downcast_ref::<TcpStream>().unwrap();
            data.insert(Port(tcp.peer_addr().unwrap().port()));
        }),
        |app: App<_>| app.route("/", web::get().to(port))
    );
    let answer = Http::connect(&server).get("/");
    assert!(answer.text().ends_with(" true"), "{answer:?}");
    let mut ws = Ws::open(&server);
    ws.join();
    assert_ne!(journal.next(), "0");
}

#[test]
fn urls_have_the_scheme_and_the_host_of_the_server() {
    async fn url(request: HttpRequest) -> String {
        format!("{} {}", request.url_for_static("here").unwrap(), request.app_config().local_addr())
    }
    let server = serve!(io(), |server| server.server_hostname("example.test"), |app: App<_>| app
        .service(web::resource("/url").name("here").to(url)));
    let mut http = Http::connect(&server);
    http.write("GET /url HTTP/1.0\r\n\r\n");
    let address = server.address();
    http.response().expect(200, &format!("http://example.test/url {address}"));
}

// ---- bounds -------------------------------------------------------------------------------------

#[test]
fn websocket_keeps_its_place_among_the_connections() {
    let server = serve!(io(), |server| server.max_connections(2), |app: App<_>| app);
    let (mut first, second) = (Ws::joined(&server), Ws::joined(&server));
    let mut third = Http::connect(&server);
    third.write(Ws::handshake(TARGET));
    third.wire().expect_silence();
    first.fence();
    drop(second);
    assert_eq!(third.response().status, 101);
    first.fence();
}

#[test]
fn flood_of_one_client_leaves_the_others_their_turns() {
    let server = serve!(io(), |app: App<_>| app);
    let (mut flood, mut other) = (Ws::joined(&server), Ws::joined(&server));
    let frames: Vec<u8> = (0..20_000).flat_map(|_| masked(0x81, r#"42["none"]"#)).collect();
    let sending = std::thread::spawn(move || {
        flood.wire().write(frames);
        flood.fence();
    });
    for _ in 0..20 {
        other.fence();
    }
    sending.join().unwrap();
}

#[test]
fn session_whose_peer_does_not_read_ends_and_frees_its_place() {
    let (server, journal) = Server::recorded(
        |io| {
            io.ping_interval(Duration::from_millis(200))
                .ping_timeout(Duration::from_millis(200))
                .limits(|limits| limits.send_buffer_max = 0)
        },
        1,
    );
    let mut ws = Ws::joined(&server);
    // More than the system takes for the peer, which answers no ping either.
    let text = "z".repeat(100_000);
    for _ in 0..100 {
        server.io().emit("m", &text).unwrap();
    }
    journal.expect("ping timeout");
    ws.wire().take_to_end();
    Ws::joined(&server).fence();
}

#[test]
fn polling_works_beside() {
    let server = serve!(io(), |app: App<_>| app);
    let mut session = Polling::joined(&server);
    session.fence();
    let mut ws = Ws::probe(&server, &session);
    ws.text("2probe");
    ws.expect("3probe");
    ws.text("5");
    ws.fence();
}
