//! A server that speaks TLS itself (behaviours 1.13).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer};
use integration::{DEADLINE, Ws, echo, masked, sid_of, stock};
use sio_actix::Server as OwnServer;
use sio_actix::prelude::*;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// A server for those who have the certificate of `identity`, which is its own as well.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Server {
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots(&certificate)),
            Arc::clone(&provider),
        );
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate.clone()], key.clone_key())
            .unwrap();
        let io = Io::builder()
            .namespace("/", |ns| {
                echo(ns);
                ns.on("secure", |socket: Socket| socket.handshake().is_secure());
            })
            .build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (started, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                // The same methods on both.
                macro_rules! serve {
                    ($server:ident) => {
                        $server::new(move || App::new().configure(io.configure()))
                            .workers(1)
                            .disable_signals()
                            .listen_rustls_0_23(listener, tls)
                            .unwrap()
                            .run()
                    };
                }
                let server = if stock() { serve!(HttpServer) } else { serve!(OwnServer) };
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = handle.recv().unwrap();
        Self { address, handle, thread: Some(thread), certificate, key }
    }

    fn connect(&self, identity: bool) -> Tls {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots(&self.certificate));
        let config = if identity {
            config
                .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())
                .unwrap()
        } else {
            config.with_no_client_auth()
        };
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Tls(StreamOwned::new(session, stream))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        System::new().block_on(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn roots(certificate: &CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    roots
}

/// A connection over TLS.
struct Tls(StreamOwned<ClientConnection, TcpStream>);

impl Tls {
    /// Writes bytes and reads until the answer ends so.
    #[track_caller]
    fn exchange(&mut self, bytes: impl AsRef<[u8]>, end: &str) -> String {
        self.0.write_all(bytes.as_ref()).unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(end.as_bytes()) {
            match self.0.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                other => panic!("{other:?} after {}", answer.escape_ascii()),
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[track_caller]
    fn get(&mut self, target: &str, end: &str) -> String {
        self.exchange(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"), end)
    }

    #[track_caller]
    fn post(&mut self, target: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        assert!(self.exchange(head, "ok").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn client_without_a_certificate_that_the_host_requires_gets_no_session() {
    let server = Server::start();
    for request in [
        format!("GET {POLLING} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Ws::handshake("/socket.io/?EIO=4&transport=websocket"),
    ] {
        let mut tls = server.connect(false);
        // The refusal may come while the request is written.
        let _refused = tls.0.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let ended = tls.0.read_to_end(&mut answer);
        assert!(ended.is_err_and(|error| error.kind() != ErrorKind::WouldBlock));
        assert_eq!(answer, b"");
    }
}

#[test]
fn both_transports_travel_over_tls_and_their_handshake_says_so() {
    let server = Server::start();
    let mut tls = server.connect(true);
    let open = tls.get(POLLING, "}");
    let sid = sid_of(&open);
    let target = format!("{POLLING}&sid={sid}");
    tls.post(&target, "40");
    tls.get(&target, "}");
    tls.post(&target, r#"421["secure"]"#);
    assert!(tls.get(&target, "]").ends_with("431[true]"));

    let mut ws = server.connect(true);
    let upgrade = Ws::handshake("/socket.io/?EIO=4&transport=websocket");
    assert!(ws.exchange(upgrade, "}").contains(r#"0{"sid":""#));
    ws.exchange(masked(0x81, "40"), "}");
    assert!(ws.exchange(masked(0x81, r#"422["secure"]"#), "]").ends_with("432[true]"));
}
