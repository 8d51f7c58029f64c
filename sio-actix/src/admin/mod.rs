//! The server side of the official Admin UI, and the page itself.
//!
//! It is a namespace of its own with a login, four commands, and a feed of what happens. Everything it says goes
//! through one thread, in the order in which it happened ([`feed`]).
//! In production mode nothing is done per event: a sample of the server's counters is sent every two seconds.

mod access;
mod budget;
mod commands;
mod feed;
mod known;
mod logins;
mod page;
mod shown;
mod stats;
mod throttle;
mod told;
mod watcher;

use std::sync::Arc;

use sio_core::login::LoginStore;
use sio_core::server::{IoConfig, NamespaceBuilder, Socket};

use access::{Access, Credentials};
use feed::Feed;
use logins::MemoryLogins;
use stats::{Server, Stats};
use told::Told;
use watcher::Watcher;

pub use page::{AdminPage, AdminPageError};

/// Where the page looks for the server side if it is not told otherwise.
const NAMESPACE: &str = "/admin";

/// How much the Admin UI shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminMode {
    /// Everything: clients, rooms, and each event with its arguments. Several messages per event and socket, which
    /// in a cluster go through Redis.
    Development,
    /// Numbers only, every two seconds; nothing is done per event. The commands work all the same.
    Production,
}

impl Default for AdminMode {
    /// [`AdminMode::Development`] in debug builds, [`AdminMode::Production`] in others.
    fn default() -> Self {
        if cfg!(debug_assertions) { Self::Development } else { Self::Production }
    }
}

/// An Admin UI that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is no user name.
    #[error("the Admin UI needs a user name")]
    NoUsername,
    /// What should be a bcrypt hash is none; it may be the password itself.
    #[error(
        "the password of the Admin UI must be a bcrypt hash, such as `htpasswd -nbBC 10 admin` writes behind `admin:`"
    )]
    NoHash,
    /// Checking a password against this hash would take seconds.
    #[error(
        "the cost of the Admin UI's bcrypt hash is {cost}; from 4 to {} can be used",
        access::MAX_COST
    )]
    Cost {
        /// The hash's cost.
        cost: u32,
    },
    /// The namespace cannot be one, or is `/`.
    #[error("`{0}` cannot be the Admin UI's namespace: a name such as `/admin` can")]
    Namespace(String),
}

/// The server side of the Admin UI, for [`IoBuilder::instrument`](crate::IoBuilder::instrument).
///
/// Names and defaults are those of the reference's `instrument`, but for the mode: see [`AdminMode`].
/// Cross-origin pages, such as the hosted one, need [`Cors`](crate::Cors) with credentials; see
/// `docs/operations/admin.md`.
///
/// ```
/// use sio_actix::{AdminMode, AdminUi, Io};
///
/// // `htpasswd -nbBC 10 admin changeit`
/// let hash = "$2y$10$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
/// let admin = AdminUi::basic("admin", hash).mode(AdminMode::Production).read_only(true);
/// let io = Io::builder().instrument(admin).build();
/// # drop(io);
/// ```
///
/// The namespace stands apart: guards, connect guards and middleware of all namespaces do not apply, and nothing
/// else can be registered on it.
#[derive(Clone)]
#[must_use = "it does nothing until `IoBuilder::instrument` gets it"]
pub struct AdminUi {
    credentials: Option<(String, String)>,
    namespace: String,
    read_only: bool,
    server_id: Option<String>,
    mode: AdminMode,
    logins: Arc<dyn LoginStore>,
}

/// Without the credentials.
impl std::fmt::Debug for AdminUi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminUi")
            .field("namespace", &self.namespace)
            .field("read_only", &self.read_only)
            .field("server_id", &self.server_id)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl AdminUi {
    /// For those who know a user name and the password of a bcrypt hash (`$2a$`, `$2b$` or `$2y$`).
    ///
    /// Passwords are checked on a thread for slow work, a few at a time; who gives a wrong one waits a second
    /// for the answer.
    pub fn basic(username: impl Into<String>, password_hash: impl Into<String>) -> Self {
        Self::with(Some((username.into(), password_hash.into())))
    }

    /// For everybody who can reach the server: they see its clients, and unless it is [`Self::read_only`] can
    /// disconnect them and send them anything.
    pub fn insecure_no_auth() -> Self {
        Self::with(None)
    }

    fn with(credentials: Option<(String, String)>) -> Self {
        Self {
            credentials,
            namespace: NAMESPACE.to_owned(),
            read_only: false,
            server_id: None,
            mode: AdminMode::default(),
            logins: Arc::new(MemoryLogins::default()),
        }
    }

    /// The namespace, `/admin` by default; all servers of a cluster need the same (`namespaceName`).
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
        self
    }

    /// Whether there are no commands: sockets can be looked at, and that is all (`readonly`). By default they
    /// can be disconnected, sent events, and moved between rooms.
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// The name of this server on the page; the host's by default. Numbers of servers with equal names are
    /// merged: several processes on one host need names of their own (`serverId`).
    pub fn server_id(mut self, id: impl Into<String>) -> Self {
        self.server_id = Some(id.into());
        self
    }

    /// How much is shown. Everything in debug builds, numbers in others, if it is not said.
    pub const fn mode(mut self, mode: AdminMode) -> Self {
        self.mode = mode;
        self
    }

    /// Where logins are remembered, so that a page may be reloaded (`store`). By default in memory: the last
    /// 1,000, for a day. Several servers need a store that they share, such as `RedisLogins` of `sio-redis`.
    pub fn login_store(mut self, logins: impl LoginStore) -> Self {
        self.logins = Arc::new(logins);
        self
    }

    /// Adds the namespace and the observer.
    pub(crate) fn install(self, core: IoConfig) -> Result<IoConfig, AdminError> {
        let credentials = match &self.credentials {
            Some((username, hash)) => Some(Credentials::new(username, hash)?),
            None => None,
        };
        let namespace = namespace_name(&self.namespace)?;
        let is_verbose = self.mode == AdminMode::Development;
        let stats = Arc::new(Stats::new(Server::here(self.server_id)));
        let feed = Feed::new(Arc::clone(&namespace), Arc::clone(&stats));
        let told = Arc::new(Told::default());
        let watcher = Arc::new(Watcher::new(
            Arc::clone(&namespace),
            Arc::clone(&feed),
            stats,
            Arc::clone(&told),
            is_verbose,
        ));
        let shown = Arc::clone(&watcher);
        let config = shown::Config { read_only: self.read_only, is_verbose };
        let logins = self.logins;
        let register = move |ns: &mut NamespaceBuilder| {
            ns.apart();
            if let Some(credentials) = credentials {
                let access = Arc::new(Access::new(credentials, logins, told));
                ns.connect_guard(async move |socket: Socket| Access::admit(&access, &socket).await);
            }
            ns.on_connection(move |socket: Socket| {
                access::tell_login(&socket);
                shown.greet(&socket, config);
            });
            if !self.read_only {
                commands::register(ns, &feed);
            }
        };
        Ok(core.namespace(&*namespace, register).observer(watcher))
    }
}

/// `admin` is `/admin`; patterns and `/` are none.
fn namespace_name(name: &str) -> Result<Arc<str>, AdminError> {
    let path = format!("/{}", name.strip_prefix('/').unwrap_or(name));
    if path == "/" || path.contains(['{', '}', '?', ',']) || path.contains(char::is_control) {
        return Err(AdminError::Namespace(name.to_owned()));
    }
    Ok(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_for_everything_cannot_be_the_admins() {
        for name in ["", "/", "/{any}", "/a,b", "/a?b", "/a\n"] {
            assert_eq!(namespace_name(name), Err(AdminError::Namespace(name.to_owned())), "{name}");
        }
        assert_eq!(namespace_name("admin").as_deref(), Ok("/admin"));
        assert_eq!(namespace_name("/my-admin").as_deref(), Ok("/my-admin"));
    }

    #[test]
    fn credentials_are_not_shown() {
        let admin = AdminUi::basic("root", "$2y$10$secret");
        assert!(!format!("{admin:?}").contains("secret"), "{admin:?}");
    }
}
