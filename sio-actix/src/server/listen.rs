//! Listeners: what becomes of a connection that one of them accepted.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_http::error::DispatchError;
use actix_rt::net::TcpStream;
use actix_service::boxed::BoxService;
use actix_service::{Service, ServiceFactory};
use futures_util::future::LocalBoxFuture;
use socket2::{Domain, Socket, Type};

use super::config::AppFactory;
use super::connection::{ConnectionTask, Dispatching};
use super::goodbye::Goodbye;
use super::stream::Stream;
use super::takeover::TakeIo;

/// The first bytes of HTTP/2 without TLS.
#[cfg(feature = "http2")]
const H2_PREFACE: &[u8] = b"PRI * HTTP/2";

/// What actix's HTTP service is called with.
pub(super) type Incoming = (TakeIo, Protocol, Option<SocketAddr>);

/// What stands before HTTP on a listener.
#[derive(Clone)]
pub(super) enum Front {
    /// HTTP/1 at once.
    Plain,
    /// HTTP/1 or HTTP/2, as the first bytes say.
    #[cfg(feature = "http2")]
    AutoH2c,
    #[cfg(feature = "rustls-0_23")]
    Rustls(actix_tls::accept::rustls_0_23::Acceptor),
    #[cfg(feature = "openssl")]
    Openssl(actix_tls::accept::openssl::Acceptor),
}

impl Front {
    pub(super) const fn is_tls(&self) -> bool {
        match self {
            Self::Plain => false,
            #[cfg(feature = "http2")]
            Self::AutoH2c => false,
            #[cfg(feature = "rustls-0_23")]
            Self::Rustls(_) => true,
            #[cfg(feature = "openssl")]
            Self::Openssl(_) => true,
        }
    }
}

/// The same on a worker.
enum Door {
    Plain,
    #[cfg(feature = "http2")]
    AutoH2c,
    #[cfg(feature = "rustls-0_23")]
    Rustls(actix_tls::accept::rustls_0_23::AcceptorService),
    #[cfg(feature = "openssl")]
    Openssl(actix_tls::accept::openssl::AcceptorService),
}

impl Door {
    async fn open(front: &Front) -> Result<Self, ()> {
        Ok(match front {
            Front::Plain => Self::Plain,
            #[cfg(feature = "http2")]
            Front::AutoH2c => Self::AutoH2c,
            #[cfg(feature = "rustls-0_23")]
            Front::Rustls(acceptor) => {
                Self::Rustls(ServiceFactory::<TcpStream>::new_service(acceptor, ()).await?)
            }
            #[cfg(feature = "openssl")]
            Front::Openssl(acceptor) => {
                Self::Openssl(ServiceFactory::<TcpStream>::new_service(acceptor, ()).await?)
            }
        })
    }
}

/// One listener's service on one worker.
pub(super) struct Listening {
    door: Door,
    http: BoxService<Incoming, (), DispatchError>,
    pub(super) tcp_nodelay: bool,
    pub(super) linger: Duration,
    pub(super) head_time: Duration,
    pub(super) write_timeout: Duration,
    pub(super) goodbye: Arc<Goodbye>,
}

impl Listening {
    pub(super) fn dispatch(&self, incoming: Incoming) -> Dispatching {
        self.http.call(incoming)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        match &self.door {
            Door::Plain => {}
            #[cfg(feature = "http2")]
            Door::AutoH2c => {}
            // As many handshakes at once as `max_connection_rate` says.
            #[cfg(feature = "rustls-0_23")]
            Door::Rustls(acceptor) => {
                std::task::ready!(Service::<TcpStream>::poll_ready(acceptor, cx)).map_err(drop)?;
            }
            #[cfg(feature = "openssl")]
            Door::Openssl(acceptor) => {
                std::task::ready!(Service::<TcpStream>::poll_ready(acceptor, cx)).map_err(drop)?;
            }
        }
        self.http.poll_ready(cx).map_err(drop)
    }

    fn enter(self: &Rc<Self>, stream: TcpStream) -> ConnectionTask {
        match &self.door {
            Door::Plain => ConnectionTask::http(self, Stream::Tcp(stream), Protocol::Http1),
            #[cfg(feature = "http2")]
            Door::AutoH2c => {
                let accepting = peek(stream, self.head_time);
                ConnectionTask::Accepting(Box::pin(accepting), Rc::clone(self))
            }
            #[cfg(feature = "rustls-0_23")]
            Door::Rustls(acceptor) => {
                let handshake = acceptor.call(stream);
                let accepting = async move {
                    let stream = handshake.await.ok()?;
                    let protocol = negotiated(stream.get_ref().1.alpn_protocol());
                    Some((Stream::Rustls(Box::new(stream)), protocol))
                };
                ConnectionTask::Accepting(Box::pin(accepting), Rc::clone(self))
            }
            #[cfg(feature = "openssl")]
            Door::Openssl(acceptor) => {
                let handshake = acceptor.call(stream);
                let accepting = async move {
                    let stream = handshake.await.ok()?;
                    let protocol = negotiated(stream.ssl().selected_alpn_protocol());
                    Some((Stream::Openssl(Box::new(stream)), protocol))
                };
                ConnectionTask::Accepting(Box::pin(accepting), Rc::clone(self))
            }
        }
    }
}

/// Which HTTP a client speaks that may begin with either; `None`: it says nothing in time.
#[cfg(feature = "http2")]
async fn peek(stream: TcpStream, time: Duration) -> Option<(Stream, Protocol)> {
    let mut first = [0; H2_PREFACE.len()];
    let peeked = stream.peek(&mut first);
    if time.is_zero() {
        peeked.await.ok()?;
    } else {
        tokio::time::timeout(time, peeked).await.ok()?.ok()?;
    }
    let protocol = if first == *H2_PREFACE { Protocol::Http2 } else { Protocol::Http1 };
    Some((Stream::Tcp(stream), protocol))
}

/// What was agreed on during the TLS handshake.
#[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
fn negotiated(alpn: Option<&[u8]>) -> Protocol {
    #[cfg(feature = "http2")]
    if alpn == Some(b"h2") {
        return Protocol::Http2;
    }
    let _http1 = alpn;
    Protocol::Http1
}

/// Makes one listener's service on each worker.
pub(super) struct ListenerFactory {
    pub(super) front: Front,
    pub(super) app: AppFactory,
}

impl ListenerFactory {
    fn service<I, F>(&self, enter: F) -> LocalBoxFuture<'static, Result<ListenerService<F>, ()>>
    where
        F: Fn(&Rc<Listening>, I) -> ConnectionTask + 'static,
    {
        let (front, app) = (self.front.clone(), self.app.start());
        let (tcp_nodelay, linger) = (self.app.tcp_nodelay, self.app.linger);
        let (head_time, write_timeout) = (self.app.head_time, self.app.write_timeout);
        let goodbye = Arc::clone(&self.app.goodbye);
        Box::pin(async move {
            let http = app.await?;
            let door = Door::open(&front).await?;
            let listening = Rc::new(Listening {
                door,
                http,
                tcp_nodelay,
                linger,
                head_time,
                write_timeout,
                goodbye,
            });
            Ok(ListenerService { listening, enter })
        })
    }
}

/// Gives each connection its task.
pub(super) struct ListenerService<F> {
    listening: Rc<Listening>,
    enter: F,
}

impl<I, F: Fn(&Rc<Listening>, I) -> ConnectionTask> Service<I> for ListenerService<F> {
    type Response = ();
    type Error = ();
    type Future = ConnectionTask;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.listening.poll_ready(cx)
    }

    fn call(&self, stream: I) -> ConnectionTask {
        (self.enter)(&self.listening, stream)
    }
}

impl ServiceFactory<TcpStream> for ListenerFactory {
    type Response = ();
    type Error = ();
    type Config = ();
    type Service = ListenerService<fn(&Rc<Listening>, TcpStream) -> ConnectionTask>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        self.service(Listening::enter as fn(&Rc<Listening>, TcpStream) -> ConnectionTask)
    }
}

#[cfg(unix)]
impl ServiceFactory<actix_rt::net::UnixStream> for ListenerFactory {
    type Response = ();
    type Error = ();
    type Config = ();
    type Service = ListenerService<fn(&Rc<Listening>, actix_rt::net::UnixStream) -> ConnectionTask>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let enter: fn(&Rc<Listening>, actix_rt::net::UnixStream) -> ConnectionTask =
            |listening, stream| {
                ConnectionTask::http(listening, Stream::Unix(stream), Protocol::Http1)
            };
        self.service(enter)
    }
}

/// Listens on all addresses that a name stands for; an error only if none of them can be had.
pub(super) fn bind(addresses: impl ToSocketAddrs, backlog: u32) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut failed = None;
    for address in addresses.to_socket_addrs()? {
        match bind_one(address, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if listeners.is_empty() => Err(error),
        None if listeners.is_empty() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"))
        }
        _ => Ok(listeners),
    }
}

fn bind_one(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Windows this would let others listen on the same address.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    #[cfg(windows)]
    if address.is_ipv6() {
        // As everywhere else, `[::]` stands for IPv4 as well.
        let _refused = socket.set_only_v6(false);
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
