//! The server under test, on threads of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use sio_actix::{DisconnectReason, Io, IoBuilder, NamespaceBuilder, Server as OwnServer};

use crate::app::echo;
use crate::journal::Journal;
use crate::wire::DEADLINE;

/// `HttpServer` carries WebSockets as response bodies, `sio_actix::Server` on the bare stream: all tests pass
/// with both, and with `SIO_TEST_SERVER=stock` the former runs.
pub fn stock() -> bool {
    match std::env::var("SIO_TEST_SERVER").as_deref() {
        Err(_) | Ok("sio") => false,
        Ok("stock") => true,
        Ok(other) => panic!("no server `{other}`"),
    }
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    io: Io,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on a free port.
    pub fn start(build: impl FnOnce(IoBuilder) -> IoBuilder, workers: usize) -> Self {
        Self::run(build(Io::builder()).build(), workers, |_| {})
    }

    /// Starts one worker with the echo application on `/`.
    pub fn echo() -> Self {
        Self::start(|io| io.namespace("/", echo), 1)
    }

    /// Starts the echo application on `/`; the journal gets the reason of every socket that ends.
    pub fn recorded(build: impl FnOnce(IoBuilder) -> IoBuilder, workers: usize) -> (Self, Journal) {
        let journal = Journal::new();
        let noted = journal.clone();
        let register = |ns: &mut NamespaceBuilder| {
            echo(ns);
            ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
        };
        (Self::start(|io| build(io).namespace("/", register), workers), journal)
    }

    /// Starts a server together with routes of the application.
    pub fn run(
        io: Io,
        workers: usize,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let served = io.clone();
        // The same methods on both.
        macro_rules! serve {
            ($server:ident, $listener:ident) => {
                $server::new(move || {
                    App::new().configure(served.configure()).configure(routes.clone())
                })
                .workers(workers)
                .tcp_nodelay(true)
                .h1_allow_half_closed(false)
                .disable_signals()
                .listen($listener)
                .unwrap()
                .run()
            };
        }
        if stock() {
            Self::host(io, move |listener| serve!(HttpServer, listener))
        } else {
            Self::host(io, move |listener| serve!(OwnServer, listener))
        }
    }

    /// Runs the HTTP server that `serve` makes of a listener, on one that has a free port.
    pub fn host(
        io: Io,
        serve: impl FnOnce(TcpListener) -> actix_web::dev::Server + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (started, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let server = serve(listener);
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, io, handle: handle.recv().unwrap(), thread: Some(thread) }
    }

    /// Asks the HTTP server to stop in order, without waiting for it.
    pub fn stop_gracefully(&self) {
        // The command is sent at once.
        drop(self.handle.stop(true));
    }

    /// The server's thread ends.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let thread = self.thread.take().unwrap();
        let (ended, waits) = mpsc::channel();
        std::thread::spawn(move || ended.send(thread.join().is_ok()));
        assert_eq!(waits.recv_timeout(DEADLINE), Ok(true), "the server runs on");
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle of the Socket.IO server.
    pub const fn io(&self) -> &Io {
        &self.io
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        System::new().block_on(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server's thread panicked");
        }
    }
}
