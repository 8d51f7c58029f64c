//! The server as users of actix-web hold it.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::{
    AppService, HttpServiceFactory, Payload, ResourceDef, ServiceRequest, ServiceResponse,
    fn_service,
};
use actix_web::guard::{self, Guard};
use actix_web::{App, FromRequest, HttpRequest, error, web};
use sio_core::server::{self, EngineHandler, Routes};

use crate::bundle::ClientBundle;
use crate::config::{AllowRequest, ConnectionErrorHook, IoBuilder};
use crate::drain::{self, Drain};
use crate::http::answers::Answers;
use crate::http::binding::SessionBinding;
use crate::http::cors::Policy;
use crate::http::head::KeptHeaders;
use crate::http::ids::GenerateId;
use crate::http::middleware::Middlewares;
use crate::http::origin::OriginPolicy;
use crate::local;
use crate::server::{Server, registered};
use crate::service;

/// What the route needs besides the core's handle; the core keeps it, too, for handlers.
pub(crate) struct Endpoint {
    pub(crate) path: String,
    pub(crate) trailing_slash: bool,
    pub(crate) client: Option<ClientBundle>,
    pub(crate) cors: Option<Policy>,
    pub(crate) origins: OriginPolicy,
    pub(crate) binding: SessionBinding,
    pub(crate) keep_headers: KeptHeaders,
    pub(crate) middlewares: Middlewares,
    pub(crate) allow_request: Option<Box<AllowRequest>>,
    pub(crate) generate_id: Option<GenerateId>,
    pub(crate) on_connection_error: Option<Box<ConnectionErrorHook>>,
    pub(crate) answers: Answers,
    pub(crate) drain: Drain,
    /// Somebody waits for SIGTERM, or nobody is to.
    pub(crate) waits_for_sigterm: AtomicBool,
    /// The log has what is registered.
    pub(crate) told_routes: AtomicBool,
}

/// A Socket.IO server in an actix-web application.
///
/// Build it once per process, outside the closure given to [`Server::new`], and clone it into the
/// closure, into HTTP handlers, jobs and threads: a clone is one reference. It is an extractor for HTTP
/// handlers of an app configured with [`Io::configure`]. Everything a server can do is on the core's
/// [`sio_core::server::Io`], which this derefs to.
///
/// ```
/// use actix_web::{HttpResponse, post, web};
/// use sio_actix::prelude::*;
///
/// #[post("/notify")]
/// async fn notify(io: Io, text: String) -> HttpResponse {
///     match io.of("/chat").to("lobby").emit("news", text) {
///         Ok(()) => HttpResponse::NoContent().finish(),
///         Err(error) => HttpResponse::ServiceUnavailable().body(error.to_string()),
///     }
/// }
///
/// fn routes(io: &Io) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
///     let sockets = io.configure();
///     |config| {
///         config.configure(sockets).service(notify);
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Io {
    core: server::Io,
    endpoint: Arc<Endpoint>,
}

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Io")
            .field("core", &self.core)
            .field("path", &self.endpoint.path)
            .finish_non_exhaustive()
    }
}

impl Deref for Io {
    type Target = server::Io;

    fn deref(&self) -> &server::Io {
        &self.core
    }
}

impl Io {
    /// Starts configuring a server.
    #[must_use]
    pub fn builder() -> IoBuilder {
        IoBuilder::new()
    }

    /// Starts configuring a bare Engine.IO server, without the Socket.IO layer, at `/engine.io`.
    #[must_use]
    pub fn engine(handler: impl EngineHandler) -> IoBuilder {
        IoBuilder::new().engine_handler(handler)
    }

    pub(crate) const fn from_parts(core: server::Io, endpoint: Arc<Endpoint>) -> Self {
        Self { core, endpoint }
    }

    /// Adds the server's route and makes [`Io`] an extractor of the application:
    /// `App::new().configure(io.configure())`.
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let io = self.clone();
        move |config| {
            config.app_data(io.clone()).app_data(web::Data::new(io.clone())).service(io);
        }
    }

    /// What is registered at this moment, with the path of the route; its `Display` is a table.
    ///
    /// In debug builds the log has this table when the server starts: level `info`, target `sio::routes`.
    ///
    /// ```
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder().namespace("/chat", |ns| {
    ///     ns.on("say", |text: String| text);
    /// });
    /// let table = io.build().routes().to_string();
    /// assert!(table.starts_with("path /socket.io/\n"));
    /// assert!(table.ends_with("namespace /chat\n  say  a closure\n"));
    /// ```
    #[must_use]
    pub fn routes(&self) -> Routes {
        let mut routes = self.core.routes();
        let slash = if self.endpoint.trailing_slash { "/" } else { "" };
        routes.path = format!("{}{slash}", self.endpoint.path);
        routes
    }

    /// Shows developers what is registered, when the first worker starts.
    fn tell_routes(&self) {
        if cfg!(debug_assertions) && !self.endpoint.told_routes.swap(true, Ordering::AcqRel) {
            // One line each, because logs have lines.
            for line in self.routes().to_string().lines() {
                tracing::info!(target: "sio::routes", "{line}");
            }
        }
    }

    /// Runs an HTTP server with nothing but this one on `address`, until SIGTERM or Ctrl-C; other paths get
    /// 404.
    ///
    /// An application with routes of its own uses [`Self::configure`] instead.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the server running until the process ends.
    ///
    /// ```no_run
    /// # use sio_actix::Io;
    /// # #[actix_web::main]
    /// # async fn main() -> std::io::Result<()> {
    /// Io::builder().build().listen(("127.0.0.1", 3000)).await
    /// # }
    /// ```
    pub async fn listen(self, address: impl std::net::ToSocketAddrs) -> std::io::Result<()> {
        Server::new(move || App::new().configure(self.configure()))
            .h1_allow_half_closed(false)
            .bind(address)?
            .run()
            .await
    }

    /// For `HttpServer::shutdown_signal`: waits for `signal`, then says goodbye to all clients before
    /// the HTTP server stops listening. [`Server`] does so by itself.
    ///
    /// Completes when every client was told, at the latest one second after what [`Drain`](crate::Drain)
    /// gives to handlers: a polling client that is between two polls has to come back to be told.
    ///
    /// ```no_run
    /// # use actix_web::{App, HttpServer};
    /// # use sio_actix::{Io, termination};
    /// # #[actix_web::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let io = Io::builder().build();
    /// let shutdown = io.clone().on_shutdown(termination());
    /// HttpServer::new(move || App::new().configure(io.configure()))
    ///     .shutdown_signal(shutdown)
    ///     .bind(("127.0.0.1", 3000))?
    ///     .run()
    ///     .await
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropped before the signal, nothing happens; after it, the server closes all the same.
    pub async fn on_shutdown(self, signal: impl Future<Output = ()>) {
        signal.await;
        drain::run(&self.endpoint.drain, &self).await;
    }
}

/// SIGTERM or SIGINT (Ctrl-C), as a future for [`Io::on_shutdown`].
///
/// # Cancel safety
///
/// Nothing is lost by dropping the future.
pub async fn termination() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let listeners = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut interrupt)) = listeners else {
            tracing::error!("no signal handler could be installed");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// SIGTERM alone: on SIGINT `HttpServer` ends without waiting for anybody.
async fn sigterm() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
                return;
            }
            Err(error) => tracing::error!(%error, "no signal handler could be installed"),
        }
    }
    std::future::pending().await
}

impl HttpServiceFactory for Io {
    fn register(self, config: &mut AppService) {
        registered(&self);
        self.tell_routes();
        if !self.endpoint.waits_for_sigterm.swap(true, Ordering::AcqRel) {
            actix_rt::spawn(self.clone().on_shutdown(sigterm()));
        }
        let Self { core, endpoint } = self;
        if core.node_id().is_some() {
            // Events of other servers may come before the first request does.
            local::worker(&core);
        }
        // A prefix needs no pattern matching per request; it ends at a slash or with the path, and
        // the bare path belongs to the application unless the trailing slash is optional.
        let resource = ResourceDef::prefix(endpoint.path.clone());
        let guards: Option<Vec<Box<dyn Guard>>> = endpoint.trailing_slash.then(|| {
            let path = endpoint.path.clone();
            let below = guard::fn_guard(move |cx| !is_bare(cx.head().uri.path(), &path));
            vec![Box::new(below) as Box<dyn Guard>]
        });
        let service = fn_service(move |request: ServiceRequest| {
            let (core, endpoint) = (core.clone(), Arc::clone(&endpoint));
            async move {
                let (request, payload) = request.into_parts();
                let response = service::handle(&core, &endpoint, &request, payload).await;
                Ok::<_, actix_web::Error>(ServiceResponse::new(request, response))
            }
        });
        config.register_service(resource, guards, service, None);
    }
}

/// `path` ends where the server's path ends, perhaps below a scope.
fn is_bare(path: &str, server: &str) -> bool {
    // Most requests are for what is below, so the end is looked at first.
    path.ends_with(server)
        && path.find(server).is_some_and(|start| start + server.len() == path.len())
}

impl FromRequest for Io {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let io = request.app_data::<Self>().cloned();
        if let Some(io) = &io {
            // What the handler emits comes after what its client can know of.
            io.hub().catch_up();
        }
        ready(io.ok_or_else(|| {
            error::ErrorInternalServerError(
                "no Socket.IO server: use `App::configure(io.configure())`",
            )
        }))
    }
}
