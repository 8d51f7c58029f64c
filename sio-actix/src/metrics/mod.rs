//! What servers count, for Prometheus (feature `metrics`).
//!
//! `watcher` is told what a server does and counts it in `state`; `cells` are the counters and `families` their
//! labels; `pulse` watches the threads. Nothing is computed before somebody asks for a page, which `collector`
//! writes.

mod cells;
mod collector;
mod families;
mod pulse;
mod state;
mod watcher;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpResponse, Route, web};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use sio_core::server::Observer;

use state::State;
use watcher::Watcher;

/// What [`Metrics::route`] answers with.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a server counts, as metrics for Prometheus (feature `metrics`).
///
/// Make one per process, outside the closure given to [`Server::new`](crate::Server::new); a clone is the same
/// one. Several servers that were given one are shown added up.
///
/// There is no route unless one is mounted. What it shows is not for everybody: how many people are connected,
/// how events are called. Keep it from the internet, by the load balancer or by a listener of its own.
///
/// ```
/// use actix_web::{App, HttpServer};
/// use sio_actix::Metrics;
/// use sio_actix::prelude::*;
///
/// # fn main() -> std::io::Result<()> {
/// let metrics = Metrics::default();
/// let io = Io::builder()
///     .metrics(&metrics)
///     .namespace("/", |ns| {
///         ns.on("add", async |a: i64, b: i64| a + b);
///     })
///     .build();
/// let server = sio_actix::Server::new(move || {
///     App::new().configure(io.configure()).route("/metrics", metrics.route())
/// });
/// # drop(server);
/// # Ok(())
/// # }
/// ```
///
/// # With a registry of the application's own
///
/// It is a `Collector` of `prometheus-client` 0.25, and so joins a registry that the application serves by
/// itself. Numbers of what is there at a moment, as open sessions, are those of the last [`Self::refresh`].
///
/// ```
/// use prometheus_client::encoding::text::encode;
/// use prometheus_client::registry::Registry;
/// use sio_actix::Metrics;
///
/// fn registry(metrics: &Metrics) -> Registry {
///     let mut registry = Registry::default();
///     registry.register_collector(Box::new(metrics.clone()));
///     registry
/// }
///
/// async fn page(metrics: &Metrics, registry: &Registry) -> String {
///     metrics.refresh().await;
///     let mut page = String::new();
///     encode(&mut page, registry).expect("a string takes everything");
///     page
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<State>);

impl Metrics {
    /// What counts for one server.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Watcher::new(Arc::clone(&self.0)))
    }

    /// A route that answers with the page: `App::new().route("/metrics", metrics.route())`.
    ///
    /// The format is that of OpenMetrics 1.0, which Prometheus and what is compatible with it read.
    #[must_use]
    pub fn route(&self) -> Route {
        let metrics = self.clone();
        web::get().to(move || {
            let metrics = metrics.clone();
            async move {
                metrics.refresh().await;
                HttpResponse::Ok()
                    .insert_header((header::CONTENT_TYPE, CONTENT_TYPE))
                    .insert_header((header::CACHE_CONTROL, "no-store"))
                    .body(metrics.encode())
            }
        })
    }

    /// Asks the workers what they hold: sessions, queues, rooms, handlers.
    ///
    /// At most half a second: a thread that is blocked keeps the numbers of the last time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub async fn refresh(&self) {
        self.0.take_census().await;
    }

    /// The page, with what the last [`Self::refresh`] has found.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.clone()));
        let mut page = String::new();
        if let Err(error) = text::encode(&mut page, &registry) {
            tracing::error!(%error, "the metrics could not be written");
        }
        page
    }
}
