//! What one read caused leaves in one write. Over TLS each write is a record of its own, which a client can
//! count on the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::{App, HttpServer};
use integration::{DEADLINE, Ws, echo, masked};
use sio_actix::prelude::*;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
};

/// What moves the bytes of a WebSocket.
#[derive(Debug, Clone, Copy)]
enum Carrier {
    /// actix's own server: the response body.
    Body,
    /// `sio_actix::Server`: the bare stream.
    Stream,
}

const CARRIERS: [Carrier; 2] = [Carrier::Body, Carrier::Stream];

/// A server with one worker.
struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    certificate: CertificateDer<'static>,
}

impl Server {
    fn start(carrier: Carrier) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let io = Io::builder()
            .namespace("/", |ns| {
                echo(ns);
                ns.on("thrice", |ns: NamespaceRef, text: String| {
                    for _ in 0..3 {
                        ns.emit("news", &text).unwrap();
                    }
                });
            })
            .build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (started, handle) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let app = move || App::new().configure(io.configure());
                let server = match carrier {
                    Carrier::Body => HttpServer::new(app)
                        .workers(1)
                        .disable_signals()
                        .listen_rustls_0_23(listener, tls)
                        .unwrap()
                        .run(),
                    Carrier::Stream => sio_actix::Server::new(app)
                        .workers(1)
                        .disable_signals()
                        .listen_rustls_0_23(listener, tls)
                        .unwrap()
                        .run(),
                };
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { address, handle: handle.recv().unwrap(), thread: Some(thread), certificate }
    }

    /// A client whose socket is connected.
    fn connect(&self) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let session =
            ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let mut client = Client(StreamOwned::new(session, Records::new(stream)));
        client.send(Ws::handshake("/socket.io/?EIO=4&transport=websocket").as_bytes());
        client.read_until("}");
        client.send(&masked(0x81, "40"));
        client.read_until("}");
        client
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

/// A TCP stream that counts the TLS records that came.
struct Records {
    stream: TcpStream,
    count: usize,
    /// The head of the record that comes, as far as it is there: its type, version and length.
    head: Vec<u8>,
    /// Bytes that the record still has.
    rest: usize,
}

impl Records {
    const fn new(stream: TcpStream) -> Self {
        Self { stream, count: 0, head: Vec::new(), rest: 0 }
    }

    fn see(&mut self, mut bytes: &[u8]) {
        while let Some((first, behind)) = bytes.split_first() {
            if self.rest > 0 {
                let (_, behind) = bytes.split_at(self.rest.min(bytes.len()));
                self.rest -= bytes.len() - behind.len();
                bytes = behind;
                continue;
            }
            self.head.push(*first);
            bytes = behind;
            if let [_, _, _, high, low] = *self.head {
                self.rest = usize::from(u16::from_be_bytes([high, low]));
                self.count += 1;
                self.head.clear();
            }
        }
    }
}

impl Read for Records {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.stream.read(buffer)?;
        self.see(buffer.split_at(len).0);
        Ok(len)
    }
}

impl Write for Records {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

struct Client(StreamOwned<ClientConnection, Records>);

impl Client {
    /// Writes the bytes as one record.
    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    #[track_caller]
    fn read_until(&mut self, end: &str) {
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(end.as_bytes()) {
            match self.0.read(&mut byte) {
                Ok(1) => answer.extend(byte),
                other => panic!("{other:?} after {}", answer.escape_ascii()),
            }
        }
    }

    /// Reads text frames of these contents, and gives the number of records they came in.
    #[track_caller]
    fn records_of(&mut self, texts: &[String]) -> usize {
        let before = self.0.sock.count;
        let mut expected = Vec::new();
        for text in texts {
            expected.extend([0x81, u8::try_from(text.len()).unwrap()]);
            expected.extend(text.bytes());
        }
        let mut bytes = vec![0; expected.len()];
        self.0.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
        self.0.sock.count - before
    }
}

/// Sixteen times the frame of an event with an ack id and its number.
fn sixteen(event: &str) -> Vec<u8> {
    (0..16).flat_map(|id| masked(0x81, format!(r#"42{id}["{event}","{id}"]"#))).collect()
}

/// Attempts of which one has to show what a turn writes: one that takes longer than a millisecond, because the
/// machine has other things to do, ends early and goes on in another turn.
const ATTEMPTS: usize = 50;

#[test]
fn answers_to_sixteen_events_of_one_read_leave_in_one_write() {
    for carrier in CARRIERS {
        let server = Server::start(carrier);
        let mut client = server.connect();
        let answers: Vec<String> = (0..16).map(|id| format!(r#"43{id}["{id}"]"#)).collect();
        // Each read is a turn of its own: the count can tell one write from two.
        let in_one = (0..ATTEMPTS).any(|_| {
            client.send(&sixteen("echo"));
            client.records_of(&answers) == 1
        });
        assert!(in_one, "{carrier:?}");
    }
}

#[test]
fn broadcasts_of_one_turn_leave_in_one_write_per_receiver() {
    let news = |id: usize| vec![format!(r#"42["news","{id}"]"#); 3];
    let all: Vec<String> = (0..16).flat_map(news).collect();
    let with_acks: Vec<String> =
        (0..16).flat_map(|id| [news(id), vec![format!("43{id}[]")]].concat()).collect();
    for carrier in CARRIERS {
        let server = Server::start(carrier);
        let (mut sender, mut receiver) = (server.connect(), server.connect());
        let in_one = (0..ATTEMPTS).any(|_| {
            sender.send(&sixteen("thrice"));
            (sender.records_of(&with_acks), receiver.records_of(&all)) == (1, 1)
        });
        assert!(in_one, "{carrier:?}");
    }
}
