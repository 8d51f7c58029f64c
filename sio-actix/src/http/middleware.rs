//! Engine middlewares: they see every request below the path before it is verified.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use actix_web::http::header::{HeaderMap, TryIntoHeaderPair};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt as _;
use sio_core::server::Extensions;
#[cfg(doc)]
use sio_core::server::Handshake;

use super::headers::gather;

/// What an engine middleware lets happen to a request.
#[derive(Debug)]
pub struct Pass {
    headers: HeaderMap,
    answer: Option<HttpResponse>,
    invalid: bool,
    extensions: Extensions,
}

impl Default for Pass {
    fn default() -> Self {
        Self::next()
    }
}

impl Pass {
    /// The request goes on to the next middleware, and then to the server.
    #[must_use]
    pub fn next() -> Self {
        Self {
            headers: HeaderMap::new(),
            answer: None,
            invalid: false,
            extensions: Extensions::default(),
        }
    }

    /// The request is answered here: no session sees it.
    ///
    /// A WebSocket handshake gets this answer instead of a 101, and its connection is closed.
    #[must_use]
    pub fn answer(response: HttpResponse) -> Self {
        Self { answer: Some(response), ..Self::next() }
    }

    /// Gives a value to the session that this request opens, for connect guards and handlers: the parameter
    /// [`Extension<T>`](crate::Extension), or [`Handshake::extension`].
    ///
    /// One per type; the last middleware's counts. Requests of a session that is open change nothing, and a client
    /// that comes back by connection state recovery has the values of its new request. What
    /// actix's own middleware knows of the request, a login or a session, gets to sockets in this way:
    ///
    /// ```
    /// use actix_web::{HttpMessage, HttpRequest};
    /// use sio_actix::prelude::*;
    /// use sio_actix::Pass;
    ///
    /// struct User(String);
    ///
    /// let io = Io::builder()
    ///     .engine_middleware(async |request: HttpRequest| {
    ///         let user = request.extensions().get::<String>().cloned();
    ///         Ok::<_, String>(match user {
    ///             Some(name) => Pass::next().with_extension(User(name)),
    ///             None => Pass::next(),
    ///         })
    ///     })
    ///     .connect_guard(|user: Option<Extension<User>>| match user {
    ///         Some(user) if !user.0.0.is_empty() => Ok(()),
    ///         _ => Err(ConnectError::new("not logged in")),
    ///     })
    ///     .build();
    /// # drop(io);
    /// ```
    #[must_use]
    pub fn with_extension<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Adds a header to whatever answer the request gets, errors and the 101 of a WebSocket included.
    ///
    /// It replaces one of the same name that a middleware before set, but for `Set-Cookie` and `Vary`,
    /// which add up. Headers that the answer brings itself stay. One that is no valid header fails the
    /// request, as an error of the middleware does.
    #[must_use]
    pub fn with_header(mut self, header: impl TryIntoHeaderPair) -> Self {
        match header.try_into_pair() {
            Ok((name, value)) => self.headers.append(name, value),
            Err(_) => self.invalid = true,
        }
        self
    }
}

/// What a middleware wants, or why it failed.
type Passing = Pin<Box<dyn Future<Output = Result<Pass, String>>>>;

/// Middlewares in the order of their registration.
#[derive(Default)]
pub(crate) struct Middlewares(Vec<Box<dyn Fn(HttpRequest) -> Passing + Send + Sync>>);

/// A middleware failed.
#[derive(Debug)]
pub(crate) struct Failed;

impl Middlewares {
    pub(crate) fn push<F, E>(&mut self, middleware: F)
    where
        F: AsyncFn(HttpRequest) -> Result<Pass, E> + Send + Sync + 'static,
        E: std::fmt::Display,
    {
        let middleware = std::sync::Arc::new(middleware);
        self.0.push(Box::new(move |request| {
            let middleware = std::sync::Arc::clone(&middleware);
            Box::pin(async move { middleware(request).await.map_err(|error| error.to_string()) })
        }));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs all of them; one that answers or fails is the last.
    pub(crate) async fn run(
        &self,
        request: &HttpRequest,
        headers: &mut HeaderMap,
        extensions: &mut Extensions,
    ) -> Result<Option<HttpResponse>, Failed> {
        for middleware in &self.0 {
            let run = AssertUnwindSafe(async { middleware(request.clone()).await });
            let pass = match run.catch_unwind().await {
                Ok(Ok(pass)) if !pass.invalid => pass,
                Ok(Ok(_)) => {
                    tracing::error!("an engine middleware set an invalid header");
                    return Err(Failed);
                }
                Ok(Err(error)) => {
                    tracing::debug!(error, "an engine middleware failed");
                    return Err(Failed);
                }
                Err(_panic) => {
                    tracing::error!("an engine middleware panicked");
                    return Err(Failed);
                }
            };
            gather(headers, &pass.headers);
            extensions.extend(pass.extensions);
            if pass.answer.is_some() {
                return Ok(pass.answer);
            }
        }
        Ok(None)
    }
}
