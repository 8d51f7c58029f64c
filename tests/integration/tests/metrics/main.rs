//! What the page of metrics shows is what clients have counted.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking, and count no further than a few thousands"
)]

mod agreement;
mod alone;
mod counting;
mod dashboard;
mod page;
mod route;

use actix_web::{App, HttpServer};
use integration::Server;
use sio_actix::{Io, IoBuilder, Metrics, Server as OwnServer};

/// Who moves the bytes of WebSockets: actix as response bodies, or this crate on the bare stream.
#[derive(Debug, Clone, Copy)]
enum Carrier {
    Body,
    Bare,
}

const CARRIERS: [Carrier; 2] = [Carrier::Body, Carrier::Bare];

/// A server with metrics, and a route for them.
fn serve(
    carrier: Carrier,
    workers: usize,
    build: impl FnOnce(IoBuilder) -> IoBuilder,
) -> (Server, Metrics) {
    let metrics = Metrics::default();
    let io = build(Io::builder().metrics(&metrics)).build();
    let (served, page) = (io.clone(), metrics.clone());
    // The same methods on both.
    macro_rules! run {
        ($server:ident) => {
            Server::host(io, move |listener| {
                $server::new(move || {
                    App::new().configure(served.configure()).route("/metrics", page.route())
                })
                .workers(workers)
                .h1_allow_half_closed(false)
                .disable_signals()
                .listen(listener)
                .unwrap()
                .run()
            })
        };
    }
    let server = match carrier {
        Carrier::Body => run!(HttpServer),
        Carrier::Bare => run!(OwnServer),
    };
    (server, metrics)
}
