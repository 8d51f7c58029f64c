//! Whether a process lives, and whether it should be given clients: for load balancers and orchestrators.
//!
//! There is no route unless one is mounted. The answers say nothing about clients, but nobody outside needs them.
//!
//! ```
//! use actix_web::App;
//! use sio_actix::{Io, health};
//!
//! let io = Io::builder().build();
//! let app = App::new()
//!     .configure(io.configure())
//!     .route("/health/live", health::live())
//!     .route("/health/ready", health::ready(&io));
//! # drop(app);
//! ```

use actix_web::http::header;
use actix_web::{HttpResponse, Route, web};
use sio_core::server;

/// Seconds after which who was told that the server is not ready may look again.
const RETRY_AFTER: &str = "1";

/// Why a server should be given no clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unready {
    /// It takes no new sessions because it ends, or was told to refuse them.
    Draining,
    /// It is not connected with the other nodes of its cluster.
    Cluster,
}

impl Unready {
    /// The word that [`ready`] answers with.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Cluster => "cluster",
        }
    }
}

/// Whether a server should be given clients, as [`ready`] tells it.
///
/// # Errors
///
/// Why not.
pub fn readiness(io: &server::Io) -> Result<(), Unready> {
    own_readiness(io)?;
    match io.cluster_stats() {
        Some(stats) if !stats.adapter.connected => Err(Unready::Cluster),
        _ => Ok(()),
    }
}

fn own_readiness(io: &server::Io) -> Result<(), Unready> {
    if io.refuses_sessions() { Err(Unready::Draining) } else { Ok(()) }
}

/// A route that answers 200 for as long as threads of the HTTP server answer at all: the process need not be
/// started anew.
#[must_use]
pub fn live() -> Route {
    web::get().to(|| async { answer(HttpResponse::Ok(), "live") })
}

/// A route that answers 200 while the server should be given clients, and otherwise 503 with the reason: from
/// the moment SIGTERM came, or [`refuse_sessions`](server::Io::refuse_sessions) was called, and while the node
/// is cut off from the others of its cluster, as at its start.
///
/// If what connects the nodes fails for all of them, none is ready. Where clients should be served then by nodes
/// that know only their own, use [`ready_alone`].
#[must_use]
pub fn ready(io: &server::Io) -> Route {
    route(io, readiness)
}

/// As [`ready`], whatever the other nodes of the cluster do.
#[must_use]
pub fn ready_alone(io: &server::Io) -> Route {
    route(io, own_readiness)
}

fn route(io: &server::Io, readiness: fn(&server::Io) -> Result<(), Unready>) -> Route {
    let io = io.clone();
    web::get().to(move || {
        let readiness = readiness(&io);
        async move {
            match readiness {
                Ok(()) => answer(HttpResponse::Ok(), "ready"),
                Err(unready) => {
                    let mut response = HttpResponse::ServiceUnavailable();
                    response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
                    answer(response, unready.as_str())
                }
            }
        }
    })
}

fn answer(mut response: actix_web::HttpResponseBuilder, status: &'static str) -> HttpResponse {
    response
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(format!("{{\"status\":\"{status}\"}}"))
}
