//! `https` and `wss`, against a server with a certificate made for the test.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use sio_actix::Io;
use sio_client::test::TestServer;
use sio_client::{Client, ClientError, ConnectError, Transport, TransportError, TransportMode};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Ends TLS in front of a server, as a proxy does.
struct Proxy {
    port: u16,
    certificate: CertificateDer<'static>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    async fn before(srv: &TestServer) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = (Ipv4Addr::LOCALHOST, srv.port());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(target).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Self { port, certificate, task }
    }

    fn trusting(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Arc::new(
            ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }
}

fn app() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("double", async |n: i64| 2 * n);
        })
        .build()
}

#[actix_web::test]
async fn every_transport_travels_over_tls() -> Result<(), ClientError> {
    let srv = TestServer::start(app()).await;
    let proxy = Proxy::before(&srv).await;
    for (scheme, mode) in [
        ("https", TransportMode::Polling),
        ("wss", TransportMode::Websocket),
        ("https", TransportMode::Upgrade),
    ] {
        // The name resolves to 127.0.0.1 on every system; the proxy listens there.
        let client = Client::builder(&format!("{scheme}://localhost:{}", proxy.port))
            .tls(proxy.trusting())
            .transport(mode)
            .build()?;
        let socket = client.socket("/");
        let mut life = socket.life();
        socket.connect().await?;
        if mode == TransportMode::Upgrade {
            let upgraded = async {
                while client.transport() != Some(Transport::Websocket) {
                    life.next().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(5), upgraded).await.unwrap();
        }
        let doubled: i64 = socket.emit_with_ack("double", 21).await?;
        assert_eq!(doubled, 42);
        client.close().await;
    }
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn unknown_certificates_and_names_are_refused() {
    let srv = TestServer::start(app()).await;
    let proxy = Proxy::before(&srv).await;
    let other = Proxy::before(&srv).await;
    // Another certificate, and the right one under another name.
    for (host, config) in [("localhost", other.trusting()), ("127.0.0.1", proxy.trusting())] {
        let url = format!("https://{host}:{}", proxy.port);
        for mode in [TransportMode::Polling, TransportMode::Websocket] {
            let client =
                Client::builder(&url).tls(Arc::clone(&config)).transport(mode).build().unwrap();
            let error = client.socket("/").connect().await.unwrap_err();
            assert!(
                matches!(&error, ConnectError::Transport(TransportError::Io { message, .. })
                    if message.contains("certificate")),
                "{error:?}"
            );
        }
    }
    srv.stop().await;
}
