//! From the application's closure to actix's HTTP service, with what was set on the builder.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Payload, Request, Response};
use actix_server::GracefulShutdownSignal;
use actix_service::boxed::{self, BoxService};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory,
    map_config,
};
use actix_web::Error;
use actix_web::dev::AppConfig;
use futures_util::future::LocalBoxFuture;

use super::goodbye::Goodbye;
use super::heads::Answering;
use super::listen::Incoming;
use super::takeover::{TakeIo, Takeover};
use crate::http::holding::Holding;

/// Sees each connection before its first request.
pub(super) type OnConnect = dyn Fn(&dyn Any, &mut Extensions) + Send + Sync;

/// What applies to all listeners, whenever it was set: they are made when the server runs.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) host: Option<String>,
    pub(super) keep_alive: KeepAlive,
    pub(super) tcp_nodelay: bool,
    pub(super) client_request_timeout: Duration,
    pub(super) client_disconnect_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) h1_allow_half_closed: bool,
    pub(super) h1_write_buffer_size: Option<usize>,
    #[cfg(feature = "http2")]
    pub(super) h2_initial_window_size: Option<u32>,
    #[cfg(feature = "http2")]
    pub(super) h2_initial_connection_window_size: Option<u32>,
    #[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
    pub(super) tls_handshake_timeout: Option<Duration>,
    pub(super) on_connect: Option<Arc<OnConnect>>,
}

impl Default for Config {
    /// As `HttpServer`, but for `TCP_NODELAY` and the time for writes.
    fn default() -> Self {
        Self {
            host: None,
            keep_alive: KeepAlive::default(),
            tcp_nodelay: true,
            client_request_timeout: Duration::from_secs(5),
            client_disconnect_timeout: Duration::from_secs(1),
            write_timeout: Duration::from_secs(30),
            h1_allow_half_closed: true,
            h1_write_buffer_size: None,
            #[cfg(feature = "http2")]
            h2_initial_window_size: None,
            #[cfg(feature = "http2")]
            h2_initial_connection_window_size: None,
            #[cfg(any(feature = "rustls-0_23", feature = "openssl"))]
            tls_handshake_timeout: None,
            on_connect: None,
        }
    }
}

/// The builder's settings, shared with its listeners.
#[derive(Clone, Default)]
pub(super) struct Settings(Arc<Mutex<Config>>);

impl Settings {
    pub(super) fn lock(&self) -> MutexGuard<'_, Config> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a listener needs to make its service.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) settings: Settings,
    pub(super) goodbye: Arc<Goodbye>,
    pub(super) stopping: GracefulShutdownSignal,
    pub(super) address: SocketAddr,
    /// There is an address of this listener's own; a Unix socket has none.
    pub(super) has_address: bool,
    pub(super) secure: bool,
}

/// actix's HTTP service, whatever the type of the application.
type Http = BoxService<Incoming, (), DispatchError>;

/// Makes actix's HTTP service once.
pub(super) struct AppFactory {
    start: Box<dyn Fn() -> LocalBoxFuture<'static, Result<Http, ()>>>,
    pub(super) tcp_nodelay: bool,
    pub(super) linger: Duration,
    pub(super) head_time: Duration,
    pub(super) write_timeout: Duration,
    pub(super) goodbye: Arc<Goodbye>,
}

impl fmt::Debug for AppFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppFactory").finish_non_exhaustive()
    }
}

impl AppFactory {
    pub(super) fn start(&self) -> LocalBoxFuture<'static, Result<Http, ()>> {
        (self.start)()
    }

    /// Assembles what `HttpServer` assembles, around a stream that can be taken.
    pub(super) fn new<I, S, B>(site: &Site, app: I) -> Self
    where
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let config = site.settings.lock().clone();
        let (tcp_nodelay, linger) = (config.tcp_nodelay, config.client_disconnect_timeout);
        let head_time = config.client_request_timeout;
        let write_timeout = config.write_timeout;
        let address = site.address;
        let host = config.host.unwrap_or_else(|| address.to_string());
        let stopping = site.stopping.clone();
        // Hidden in actix-http, as what `HttpServer` uses itself: idle connections close when the server stops.
        let mut http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(config.keep_alive)
            .client_request_timeout(config.client_request_timeout)
            .client_disconnect_timeout(config.client_disconnect_timeout)
            .h1_allow_half_closed(config.h1_allow_half_closed);
        if site.has_address {
            http = http.local_addr(address);
        }
        if site.secure {
            http = http.secure();
        }
        if let Some(size) = config.h1_write_buffer_size {
            http = http.h1_write_buffer_size(size);
        }
        #[cfg(feature = "http2")]
        {
            if let Some(size) = config.h2_initial_window_size {
                http = http.h2_initial_window_size(size);
            }
            if let Some(size) = config.h2_initial_connection_window_size {
                http = http.h2_initial_connection_window_size(size);
            }
        }
        let on_connect = config.on_connect;
        let http = http.on_connect_ext(move |io: &TakeIo, data: &mut Extensions| {
            if let (Some(on_connect), Some(stream)) = (&on_connect, io.stream()) {
                on_connect(stream.shown(), data);
            }
            if let Some(slot) = io.slot() {
                data.insert(Takeover(Rc::clone(slot)));
            }
        });
        let secure = site.secure;
        let app = app.into_factory().map_err(|error| error.into().error_response());
        let app = map_config(app, move |()| app_config(secure, host.clone(), address));
        let app = apply_fn_factory(app, |mut request: Request, service: &_| {
            let answering = answering(&mut request);
            let answer = Service::<Request>::call(service, request);
            async move {
                let answer: Response<B> = answer.await?.into();
                Ok(answer.map_body(|_, body| Holding::new(body.boxed(), answering)))
            }
        });
        let factory = boxed::factory(http.finish(app));
        let goodbye = Arc::clone(&site.goodbye);
        let building = Arc::clone(&goodbye);
        let start = move || {
            // Servers in the application register themselves here while it is built, whatever wraps them.
            let mut service = building.collect(|| factory.new_service(()));
            let building = Arc::clone(&building);
            let built: LocalBoxFuture<'static, Result<Http, ()>> =
                Box::pin(poll_fn(move |cx| building.collect(|| service.as_mut().poll(cx))));
            built
        };
        Self { start: Box::new(start), tcp_nodelay, linger, head_time, write_timeout, goodbye }
    }
}

/// The head of a request is complete.
fn answering(request: &mut Request) -> Option<Answering> {
    let has_body = !matches!(request.payload(), Payload::None);
    let Takeover(slot) = request.conn_data::<Takeover>()?;
    Some(Answering::new(Rc::clone(&slot.heads), has_body))
}

/// What the application knows of its listener: scheme, host, local address.
///
/// The only use of something of actix-web that is exempt from its semver promises. The public constructor,
/// `Default`, would say `http` under TLS and a wrong address.
fn app_config(secure: bool, host: String, address: SocketAddr) -> AppConfig {
    AppConfig::__priv_test_new(secure, host, address)
}

thread_local! {
    /// The server whose application is being built on this thread.
    static BUILDING: RefCell<Option<Arc<Goodbye>>> = const { RefCell::new(None) };
}

impl Goodbye {
    /// Runs a step of the building of an application, and hears of the servers in it.
    fn collect<T>(self: &Arc<Self>, step: impl FnOnce() -> T) -> T {
        struct Restore(Option<Arc<Goodbye>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                BUILDING.set(self.0.take());
            }
        }
        let _restore = Restore(BUILDING.replace(Some(Arc::clone(self))));
        step()
    }
}

/// An application is built that has this server in it.
pub(crate) fn registered(io: &crate::Io) {
    let goodbye = BUILDING.with_borrow(Clone::clone);
    if let Some(goodbye) = goodbye {
        goodbye.add(io);
    }
}
