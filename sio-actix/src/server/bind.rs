//! Where a [`Server`] listens: addresses, TLS, Unix sockets.

use std::fmt;
use std::io;
#[cfg(unix)]
use std::net::Ipv4Addr;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use actix_http::body::MessageBody;
use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::Error;
use actix_web::dev::AppConfig;

use super::config::{AppFactory, Site};
use super::listen::{self, Front, ListenerFactory};
use super::{Server, Socket};

/// What is agreed on in TLS handshakes, the best first.
#[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
const ALPN: &[&[u8]] = &[
    #[cfg(feature = "http2")]
    b"h2",
    b"http/1.1",
];

impl<F, I, S, B> Server<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    /// Where the server listens, in the order of the calls; a Unix socket stands there as 127.0.0.1:8080.
    #[must_use]
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|socket| socket.address).collect()
    }

    /// As [`Self::addrs`], with `http` or `https`.
    #[must_use]
    pub fn addrs_with_scheme(&self) -> Vec<(SocketAddr, &str)> {
        self.sockets.iter().map(|socket| (socket.address, socket.scheme)).collect()
    }

    /// Listens on addresses for HTTP/1, on all that a name stands for.
    ///
    /// # Errors
    ///
    /// A name is unknown, or none of its addresses can be listened on.
    pub fn bind(self, addresses: impl ToSocketAddrs) -> io::Result<Self> {
        self.bind_with(addresses, &Front::Plain)
    }

    /// Listens with a socket of the application's for HTTP/1.
    ///
    /// # Errors
    ///
    /// The socket has no address, or cannot be made non-blocking.
    pub fn listen(self, listener: TcpListener) -> io::Result<Self> {
        self.listen_with(listener, &Front::Plain)
    }

    /// As [`Self::bind`], for HTTP/1 and HTTP/2 without TLS, as a client's first bytes say.
    ///
    /// # Errors
    ///
    /// As [`Self::bind`].
    #[cfg(feature = "http2")]
    pub fn bind_auto_h2c(self, addresses: impl ToSocketAddrs) -> io::Result<Self> {
        self.bind_with(addresses, &Front::AutoH2c)
    }

    /// As [`Self::listen`], for HTTP/1 and HTTP/2 without TLS, as a client's first bytes say.
    ///
    /// # Errors
    ///
    /// As [`Self::listen`].
    #[cfg(feature = "http2")]
    pub fn listen_auto_h2c(self, listener: TcpListener) -> io::Result<Self> {
        self.listen_with(listener, &Front::AutoH2c)
    }

    /// As [`Self::bind`], over TLS with rustls; `http/1.1`, and `h2` with feature `http2`, are added to the
    /// protocols of `config`.
    ///
    /// # Errors
    ///
    /// As [`Self::bind`].
    #[cfg(feature = "rustls-0_23")]
    pub fn bind_rustls_0_23(
        self,
        addresses: impl ToSocketAddrs,
        config: actix_tls::accept::rustls_0_23::reexports::ServerConfig,
    ) -> io::Result<Self> {
        let front = self.rustls(config);
        self.bind_with(addresses, &front)
    }

    /// As [`Self::listen`], over TLS with rustls; protocols as with [`Self::bind_rustls_0_23`].
    ///
    /// # Errors
    ///
    /// As [`Self::listen`].
    #[cfg(feature = "rustls-0_23")]
    pub fn listen_rustls_0_23(
        self,
        listener: TcpListener,
        config: actix_tls::accept::rustls_0_23::reexports::ServerConfig,
    ) -> io::Result<Self> {
        let front = self.rustls(config);
        self.listen_with(listener, &front)
    }

    #[cfg(feature = "rustls-0_23")]
    fn rustls(&self, mut config: actix_tls::accept::rustls_0_23::reexports::ServerConfig) -> Front {
        let own = config.alpn_protocols;
        config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).chain(own).collect();
        let mut acceptor = actix_tls::accept::rustls_0_23::Acceptor::new(config);
        let timeout = self.settings.lock().tls_handshake_timeout;
        if let Some(timeout) = timeout {
            acceptor.set_handshake_timeout(timeout);
        }
        Front::Rustls(acceptor)
    }

    /// As [`Self::bind`], over TLS with OpenSSL, for `http/1.1`, and `h2` with feature `http2`.
    ///
    /// # Errors
    ///
    /// As [`Self::bind`], or OpenSSL refuses the protocols.
    #[cfg(feature = "openssl")]
    pub fn bind_openssl(
        self,
        addresses: impl ToSocketAddrs,
        builder: actix_tls::accept::openssl::reexports::SslAcceptorBuilder,
    ) -> io::Result<Self> {
        let front = self.openssl(builder)?;
        self.bind_with(addresses, &front)
    }

    /// As [`Self::listen`], over TLS with OpenSSL; protocols as with [`Self::bind_openssl`].
    ///
    /// # Errors
    ///
    /// As [`Self::listen`], or OpenSSL refuses the protocols.
    #[cfg(feature = "openssl")]
    pub fn listen_openssl(
        self,
        listener: TcpListener,
        builder: actix_tls::accept::openssl::reexports::SslAcceptorBuilder,
    ) -> io::Result<Self> {
        let front = self.openssl(builder)?;
        self.listen_with(listener, &front)
    }

    #[cfg(feature = "openssl")]
    fn openssl(
        &self,
        mut builder: actix_tls::accept::openssl::reexports::SslAcceptorBuilder,
    ) -> io::Result<Front> {
        use actix_tls::accept::openssl::reexports::AlpnError;

        // Each name behind its length, as it travels.
        builder.set_alpn_select_callback(|_, offered| {
            let mut rest = offered;
            let mut best = None;
            while let Some((length, tail)) = rest.split_first() {
                let Some((name, tail)) = tail.split_at_checked((*length).into()) else { break };
                let known = ALPN.iter().position(|known| *known == name);
                best = best.into_iter().chain(known).min();
                rest = tail;
            }
            best.and_then(|best| ALPN.get(best)).copied().ok_or(AlpnError::NOACK)
        });
        let mut acceptor = actix_tls::accept::openssl::Acceptor::new(builder.build());
        let timeout = self.settings.lock().tls_handshake_timeout;
        if let Some(timeout) = timeout {
            acceptor.set_handshake_timeout(timeout);
        }
        Ok(Front::Openssl(acceptor))
    }

    /// Listens on a Unix socket for HTTP/1; what is at the path is removed first.
    ///
    /// # Errors
    ///
    /// The path cannot be listened on.
    #[cfg(unix)]
    pub fn bind_uds(mut self, path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        let name = format!("sio-actix-{}", path.as_ref().display());
        let make = self.unix_socket();
        self.builder = self.builder.bind_uds(name, path, make)?;
        Ok(self)
    }

    /// Listens with a Unix socket of the application's for HTTP/1.
    ///
    /// # Errors
    ///
    /// The socket cannot be made non-blocking.
    #[cfg(unix)]
    pub fn listen_uds(mut self, listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        let make = self.unix_socket();
        self.builder = self.builder.listen_uds("sio-actix-uds", listener, make)?;
        Ok(self)
    }

    #[cfg(unix)]
    fn unix_socket(
        &mut self,
    ) -> impl Fn() -> ListenerFactory + Send + Clone + 'static + use<F, I, S, B> {
        // What `HttpServer` says as well; there is no address to tell.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        self.sockets.push(Socket { scheme: "http", address });
        self.make(address, false, &Front::Plain)
    }

    fn bind_with(mut self, addresses: impl ToSocketAddrs, front: &Front) -> io::Result<Self> {
        for listener in listen::bind(addresses, self.backlog)? {
            self = self.listen_with(listener, front)?;
        }
        Ok(self)
    }

    fn listen_with(mut self, listener: TcpListener, front: &Front) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let make = self.make(address, true, front);
        let scheme = if front.is_tls() { "https" } else { "http" };
        self.sockets.push(Socket { scheme, address });
        self.builder = self.builder.listen(format!("sio-actix-{address}"), listener, make)?;
        Ok(self)
    }

    /// What makes a listener's service on each worker, when the server runs.
    fn make(
        &self,
        address: SocketAddr,
        has_address: bool,
        front: &Front,
    ) -> impl Fn() -> ListenerFactory + Send + Clone + 'static + use<F, I, S, B> {
        let site = Site {
            settings: self.settings.clone(),
            goodbye: Arc::clone(&self.goodbye),
            stopping: self.builder.graceful_shutdown_signal(),
            address,
            has_address,
            secure: front.is_tls(),
        };
        let (factory, front) = (self.factory.clone(), front.clone());
        move || {
            let (stopping, goodbye) = (site.stopping.clone(), Arc::clone(&site.goodbye));
            actix_rt::spawn(async move {
                stopping.notified().await;
                goodbye.say_elsewhere();
            });
            ListenerFactory { front: front.clone(), app: AppFactory::new(&site, factory()) }
        }
    }
}
