//! The part of the builder that concerns HTTP: who may ask, what answers carry, what is served beside.

use std::path::Path;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use sio_core::frame::Frame;
use sio_core::server::Handshake;

use crate::bundle::{ClientBundle, ClientSource};
use crate::http::binding::SessionBinding;
use crate::http::compression::HttpCompression;
use crate::http::cookie::Cookie;
use crate::http::cors::Cors;
use crate::http::head::KeptHeaders;
use crate::http::ids::GenerateId;
use crate::http::middleware::Pass;
use crate::http::origin::OriginPolicy;
use crate::http::refusal::ConnectionError;

use super::{Forbidden, IoBuilder};

impl IoBuilder {
    // ---- who may ask ----------------------------------------------------------------------------

    /// Lets pages of other origins read the answers; nobody by default. See [`Cors`].
    #[must_use]
    pub fn cors(mut self, cors: impl Into<Option<Cors>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// Which pages may open sessions: none of other origins with cookies, by default. See [`OriginPolicy`].
    #[must_use]
    pub const fn origin_policy(mut self, policy: OriginPolicy) -> Self {
        self.origins = policy;
        self
    }

    /// Refuses requests for a session that do not come from where it was opened, with what is answered for an
    /// unknown session; the session goes on, and [`Self::on_connection_error`] is told. Off by default. See
    /// [`SessionBinding`].
    #[must_use]
    pub fn bind_session(mut self, binding: SessionBinding) -> Self {
        self.binding = binding;
        self
    }

    /// Decides about every handshake, of both transports, before a session exists. A panic refuses.
    #[must_use]
    pub fn allow_request<F>(mut self, decide: F) -> Self
    where
        F: AsyncFn(Arc<Handshake>) -> Result<(), Forbidden> + Send + Sync + 'static,
    {
        let decide = Arc::new(decide);
        self.allow_request = Some(Box::new(move |handshake| {
            let decide = Arc::clone(&decide);
            Box::pin(async move { decide(handshake).await })
        }));
        self
    }

    /// Lets a middleware see each request below the path, and each WebSocket handshake, before it is
    /// verified (the reference's `io.engine.use`).
    ///
    /// Middlewares run one after the other in the order they were added. Each may add headers to the
    /// answer, answer itself, or fail, which the client sees as code 3. A panic is a failure. Client files
    /// and the preflights of [`Self::cors`] are answered before.
    ///
    /// ```
    /// use actix_web::{HttpRequest, HttpResponse};
    /// use sio_actix::{Io, Pass};
    ///
    /// async fn maintenance(request: HttpRequest) -> Result<Pass, &'static str> {
    ///     if request.headers().contains_key("x-drain") {
    ///         return Ok(Pass::answer(HttpResponse::ServiceUnavailable().finish()));
    ///     }
    ///     Ok(Pass::next().with_header(("x-node", "a")))
    /// }
    ///
    /// let io = Io::builder().engine_middleware(maintenance).build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn engine_middleware<F, E>(mut self, middleware: F) -> Self
    where
        F: AsyncFn(HttpRequest) -> Result<Pass, E> + Send + Sync + 'static,
        E: std::fmt::Display,
    {
        self.middlewares.push(middleware);
        self
    }

    /// Is called for each request that is refused with one of the codes 0 to 5.
    ///
    /// ```
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder().on_connection_error(|error| {
    ///     let context = serde_json::to_string(error.context()).unwrap_or_default();
    ///     eprintln!("{} {}: {} {context}", error.method(), error.url(), error.message());
    /// });
    /// # drop(io.build());
    /// ```
    #[must_use]
    pub fn on_connection_error(
        mut self,
        hook: impl Fn(&ConnectionError<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_connection_error = Some(Box::new(hook));
        self
    }

    // ---- sessions -------------------------------------------------------------------------------

    /// Which headers of its first request a session keeps for as long as it lives: all of them by default, at
    /// most [`Limits::max_request_head`](crate::Limits::max_request_head). See [`KeptHeaders`].
    ///
    /// [`Self::allow_request`] and the makers of session ids see all of them; guards, handlers and
    /// [`Self::initial_headers`] see what is kept.
    ///
    /// ```
    /// use sio_actix::{Io, KeptHeaders};
    ///
    /// let io = Io::builder().keep_headers(KeptHeaders::Only(vec!["user-agent".to_owned()])).build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn keep_headers(mut self, headers: KeptHeaders) -> Self {
        self.keep_headers = headers;
        self
    }

    /// Makes session ids (the reference's `generateId`); random ones by default.
    ///
    /// Whoever knows a session id can speak for the session: it must not be guessable, and never repeat.
    /// It is 1 to 128 letters, digits, `-`, `_`, `.` or `~`.
    ///
    /// Differs from the reference: a handshake whose id is none of these, or is in use, is refused with
    /// code 3, because a second session with it would get the messages of the first. A panic is a failure.
    #[must_use]
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Handshake) -> String + Send + Sync + 'static,
    ) -> Self {
        self.generate_id = Some(GenerateId::Now(Box::new(generate)));
        self
    }

    /// As [`Self::generate_id`], for ids that take time to make, or that cannot always be made: after an
    /// error the handshake is refused with code 3, and [`Self::on_connection_error`] gets its text.
    ///
    /// ```
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder().try_generate_id(async |handshake| {
    ///     let seat = handshake.header("x-seat").ok_or("no seat")?;
    ///     Ok::<_, &str>(format!("{seat}-{}", uuid()))
    /// });
    /// # fn uuid() -> &'static str { "" }
    /// # drop(io.build());
    /// ```
    #[must_use]
    pub fn try_generate_id<F, E>(mut self, generate: F) -> Self
    where
        F: AsyncFn(Arc<Handshake>) -> Result<String, E> + Send + Sync + 'static,
        E: std::fmt::Display,
    {
        self.generate_id = Some(GenerateId::later(generate));
        self
    }

    /// A text message that each session gets right behind its open packet (the reference's
    /// `initialPacket`). Clients of the Socket.IO layer read it as a Socket.IO packet.
    #[must_use]
    pub fn initial_packet(mut self, message: &str) -> Self {
        let packet = format!("4{message}");
        self.core.config_mut().engine.initial_packet = Some(Frame::text(packet.into()));
        self
    }

    // ---- answers --------------------------------------------------------------------------------

    /// Puts the session id into a cookie with the answer to each polling handshake; off by default. See
    /// [`Cookie`].
    #[must_use]
    pub fn cookie(mut self, cookie: impl Into<Option<Cookie>>) -> Self {
        self.answers.cookie = cookie.into();
        self
    }

    /// Which answers to polls are compressed; by default those of 1024 bytes and more.
    #[must_use]
    pub const fn http_compression(mut self, compression: HttpCompression) -> Self {
        self.answers.compression = compression;
        self
    }

    /// Sees the headers of the first answer of each session, once: the polling answer that opens it, or
    /// the 101 of its WebSocket (the reference's `initial_headers`).
    ///
    /// ```
    /// use actix_web::http::header::{HeaderValue, SET_COOKIE};
    /// use sio_actix::Io;
    ///
    /// let io = Io::builder().initial_headers(|headers, _handshake| {
    ///     headers.append(SET_COOKIE, HeaderValue::from_static("node=a; Path=/"));
    /// });
    /// # drop(io.build());
    /// ```
    #[must_use]
    pub fn initial_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap, &Handshake) + Send + Sync + 'static,
    ) -> Self {
        self.answers.initial = Some(Box::new(hook));
        self
    }

    /// Sees the headers of every answer to a poll, to a push and to a WebSocket handshake, that of an
    /// upgrade included (the reference's `headers`).
    #[must_use]
    pub fn response_headers(
        mut self,
        hook: impl Fn(&mut HeaderMap, &HttpRequest) + Send + Sync + 'static,
    ) -> Self {
        self.answers.every = Some(Box::new(hook));
        self
    }

    // ---- client files ---------------------------------------------------------------------------

    /// Whether the official browser client is served below the path: `/socket.io/socket.io.js` and its
    /// siblings.
    ///
    /// By default it is if [`Self::client_dir`] or [`Self::client_bundle`] says from where. With `true`
    /// and neither of them, `node_modules/socket.io-client` and `node_modules/socket.io` are looked for in
    /// the working directory and those above it; with `false` nothing is served.
    ///
    /// Differs from the reference, where it is on by default: the files are no part of this crate.
    #[must_use]
    pub const fn serve_client(mut self, serve: bool) -> Self {
        self.serve_client = Some(serve);
        self
    }

    /// The folder that the client's files come from: that of the npm package `socket.io-client` or
    /// `socket.io`, or the one in it that has the files. They are read when the server is built.
    #[must_use]
    pub fn client_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.client = ClientSource::Folder(folder.as_ref().to_path_buf());
        self
    }

    /// The client's files, from [`embed_client!`](crate::embed_client) or a folder of one's own choice.
    #[must_use]
    pub fn client_bundle(mut self, bundle: ClientBundle) -> Self {
        self.client = ClientSource::Bundle(bundle);
        self
    }
}
