//! A WebSocket echo without Engine.IO, on the frames and carriers of the server.
//!
//! `cargo run -p conformance --bin ws-echo -- --port 9001 [--server stock]`
//!
//! Any path answers; with `--server stock` WebSockets are response bodies of `HttpServer`, otherwise they have the
//! bare stream. Messages have up to 32 MiB, and compression is granted.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use actix_web::web::{self, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use bytes::Bytes;
use conformance::{Flags, SUITE_WORKERS};
use sio_actix::{
    EngineHandler, EngineSocket, Io, PerMessageDeflate, Server, internals::bare_websocket,
};

/// Above the largest message of any suite.
const MAX_MESSAGE: usize = 32 << 20;
const HOUR: Duration = Duration::from_secs(60 * 60);

struct Echo;

impl EngineHandler for Echo {
    fn text(&self, session: &EngineSocket, text: &str) {
        session.send_bare_text(text);
    }

    fn binary(&self, session: &EngineSocket, bytes: Bytes) {
        session.send_binary(bytes);
    }
}

async fn echo(io: web::Data<Io>, request: HttpRequest, payload: Payload) -> HttpResponse {
    bare_websocket(&io, &request, payload.into_inner()).await
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers", "--server"])?;
    let stock = match flags.has("--server").then(|| flags.text("--server")).transpose()? {
        None | Some("sio") => false,
        Some("stock") => true,
        Some(other) => return Err(std::io::Error::other(format!("no server {other}"))),
    };
    let io = Io::engine(Echo)
        .limits(|limits| {
            limits.max_payload = MAX_MESSAGE;
            // What is echoed may be as much.
            limits.send_buffer_max = 0;
        })
        .ping_interval(HOUR)
        .per_message_deflate(PerMessageDeflate::default())
        .build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, flags.number("--port", 9001)?))?;
    let workers = flags.number("--workers", SUITE_WORKERS)?;
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    {
        println!("listening on http://{}", listener.local_addr()?);
    }
    // The same methods on both.
    macro_rules! serve {
        ($server:ident) => {
            $server::new(move || {
                App::new()
                    .app_data(web::Data::new(io.clone()))
                    .default_service(web::route().to(echo))
            })
            .workers(workers)
            .tcp_nodelay(true)
            .h1_allow_half_closed(false)
            .shutdown_timeout(2)
            .listen(listener)?
            .run()
            .await
        };
    }
    if stock { serve!(HttpServer) } else { serve!(Server) }
}
