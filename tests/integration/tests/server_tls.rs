//! `sio_actix::Server` over TLS, and HTTP/2.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::System;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest};
use http::Request;
use integration::{DEADLINE, Server, Ws, echo, masked, sid_of};
use sio_actix::prelude::*;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

async fn about(request: HttpRequest) -> String {
    format!("{} {:?}", request.url_for_static("about").unwrap(), request.version())
}

fn io() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            echo(ns);
            ns.on("secure", |socket: Socket| socket.handshake().is_secure());
        })
        .build()
}

/// A server with the certificate that clients get.
fn start() -> (Server, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let io = io();
    let served = io.clone();
    let server = Server::host(io, move |listener| {
        let server = sio_actix::Server::new(move || {
            App::new()
                .configure(served.configure())
                .service(web::resource("/about").name("about").to(about))
        });
        let server = server.workers(1).disable_signals().listen_rustls_0_23(listener, tls).unwrap();
        assert_eq!(server.addrs_with_scheme()[0].1, "https");
        server.run()
    });
    (server, certificate)
}

fn client(certificate: CertificateDer<'static>, alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// An HTTP/1 connection over TLS.
struct Tls(StreamOwned<ClientConnection, TcpStream>);

impl Tls {
    fn connect(server: &Server, certificate: &CertificateDer<'static>) -> Self {
        let config = client(certificate.clone(), &["http/1.1"]);
        let session = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self(StreamOwned::new(session, stream))
    }

    fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    #[track_caller]
    fn read_until(&mut self, end: &str) -> String {
        let mut answer = Vec::new();
        let mut chunk = [0; 16 * 1024];
        while !answer.ends_with(end.as_bytes()) {
            match self.0.read(&mut chunk) {
                Ok(read @ 1..) => answer.extend_from_slice(&chunk[..read]),
                other => panic!("{other:?} after {} bytes", answer.len()),
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn websocket_gets_the_stream_below_tls_after_other_requests() {
    let (server, certificate) = start();
    let mut tls = Tls::connect(&server, &certificate);
    tls.write("GET /about HTTP/1.1\r\nHost: localhost:7\r\n\r\n");
    assert!(tls.read_until("HTTP/1.1").ends_with("https://localhost:7/about HTTP/1.1"));
    tls.write(format!(
        "POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody{}",
        Ws::handshake(WEBSOCKET)
    ));
    assert!(tls.read_until("}").contains(r#"0{"sid":""#));
    tls.write([masked(0x81, "40"), masked(0x81, r#"421["secure"]"#)].concat());
    assert!(tls.read_until("]").ends_with("431[true]"));
    // More than a record of TLS, and more than a socket takes at once.
    let text = "t".repeat(900_000);
    tls.write(masked(0x81, format!(r#"422["echo","{text}"]"#)));
    assert!(tls.read_until("]").ends_with(&format!(r#"432["{text}"]"#)));
    // The end is TLS's as well.
    tls.write(masked(0x88, ""));
    let mut rest = Vec::new();
    tls.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\x88\x00");
}

type H2 = h2::client::SendRequest<Bytes>;

async fn connect_h2(server: &Server, certificate: CertificateDer<'static>) -> H2 {
    let tcp = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let connector = TlsConnector::from(client(certificate, &["h2"]));
    let tls = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(tls).await.unwrap();
    actix_web::rt::spawn(connection);
    client
}

/// A request with a body; status and body of its answer.
async fn request(client: &H2, method: &str, target: &str, body: &'static str) -> (u16, String) {
    let mut client = client.clone().ready().await.unwrap();
    let uri = format!("https://localhost{target}");
    let request = Request::builder().method(method).uri(uri).body(()).unwrap();
    let (response, mut stream) = client.send_request(request, body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
    }
    let answered = async {
        let mut response = response.await.unwrap();
        let mut read = Vec::new();
        while let Some(chunk) = response.body_mut().data().await {
            read.extend_from_slice(&chunk.unwrap());
        }
        (response.status().as_u16(), String::from_utf8(read).unwrap())
    };
    tokio::time::timeout(DEADLINE, answered).await.unwrap()
}

/// Many requests on one connection, and none of them may take its stream.
async fn poll_over_h2(client: &H2, secure: bool) {
    let (status, open) = request(client, "GET", POLLING, "").await;
    assert_eq!(status, 200, "{open}");
    let target = format!("{POLLING}&sid={}", sid_of(&open));
    assert_eq!(request(client, "POST", &target, "40").await, (200, "ok".to_owned()));
    assert!(request(client, "GET", &target, "").await.1.starts_with("40"));
    let waiting = request(client, "GET", &target, "");
    let pushed = request(client, "POST", &target, r#"421["secure"]"#);
    let (answer, pushed) = futures_util::join!(waiting, pushed);
    assert_eq!(pushed.0, 200);
    assert_eq!(answer, (200, format!("431[{secure}]")));
    let (status, _) = request(client, "GET", WEBSOCKET, "").await;
    assert_eq!(status, 400);
    let (_, about) = request(client, "GET", "/about", "").await;
    assert!(about.ends_with("HTTP/2.0"), "{about}");
}

#[test]
fn sessions_poll_over_http2() {
    let (server, certificate) = start();
    System::new().block_on(async {
        let client = connect_h2(&server, certificate).await;
        poll_over_h2(&client, true).await;
    });
}

#[test]
fn listener_without_tls_tells_http2_by_its_first_bytes() {
    let io = io();
    let served = io.clone();
    let server = Server::host(io, move |listener| {
        sio_actix::Server::new(move || {
            App::new()
                .configure(served.configure())
                .service(web::resource("/about").name("about").to(about))
        })
        .workers(1)
        .disable_signals()
        .listen_auto_h2c(listener)
        .unwrap()
        .run()
    });
    System::new().block_on(async {
        let tcp = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let (client, connection) = h2::client::handshake(tcp).await.unwrap();
        actix_web::rt::spawn(connection);
        poll_over_h2(&client, false).await;
    });
    // HTTP/1 on the same listener.
    Ws::joined(&server).fence();
}

#[test]
fn listener_without_tls_closes_a_connection_that_says_nothing() {
    let io = io();
    let served = io.clone();
    let server = Server::host(io, move |listener| {
        sio_actix::Server::new(move || App::new().configure(served.configure()))
            .workers(1)
            .disable_signals()
            .client_request_timeout(Duration::from_millis(300))
            .listen_auto_h2c(listener)
            .unwrap()
            .run()
    });
    let mut silent = TcpStream::connect(server.address()).unwrap();
    silent.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut other = Ws::joined(&server);
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    other.fence();
}
