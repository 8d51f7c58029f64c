//! Logins to the Admin UI that all servers know.

use std::fmt;
use std::time::Duration;

use deadpool_redis::Pool;
use deadpool_redis::redis::{Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, cmd, pipe};
use sio_core::cluster::BoxFuture;
use sio_core::login::{LoginStore, LoginStoreError};

use crate::error::Error;
use crate::link::{Server, Timing, pool, reason};

/// Remembers logins to the Admin UI in Redis, for servers behind a load balancer; those in Node.js that have the
/// reference's `RedisStore` know them too.
///
/// A key for each login, `socket.io-admin#<id>`, that expires after a day. It speaks to one Redis, not to a Redis
/// Cluster of several. Who can read the keys can log in.
///
/// Needs a tokio runtime; each question ends within 5 s.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sio_redis::RedisLogins;
///
/// # fn store() -> Result<RedisLogins, sio_redis::Error> {
/// let logins = RedisLogins::new("redis://127.0.0.1:6379")?.duration(Duration::from_secs(3_600));
/// # Ok(logins)
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisLogins {
    pool: Pool,
    prefix: String,
    duration: Duration,
    timeout: Duration,
}

/// Without the address, which may hold a password.
impl fmt::Debug for RedisLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLogins")
            .field("prefix", &self.prefix)
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

impl RedisLogins {
    /// Remembers in the Redis at `url`; connects when there is something to ask.
    ///
    /// # Errors
    ///
    /// The address cannot be used.
    pub fn new(url: &str) -> Result<Self, Error> {
        let info = url.into_connection_info().map_err(|why| Error::address(&why))?;
        let timing = Timing::default();
        let server = Server::new(info, timing).map_err(|why| Error::address(&why))?;
        Ok(Self {
            pool: pool(&server)?,
            prefix: "socket.io-admin".to_owned(),
            duration: Duration::from_secs(86_400),
            timeout: timing.answer,
        })
    }

    /// What keys begin with; `socket.io-admin` if it is not said (`prefix`).
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a login is remembered, in whole seconds, at least one; a day if it is not said
    /// (`sessionDuration`).
    pub const fn duration(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    fn key(&self, id: &str) -> String {
        format!("{}#{id}", self.prefix)
    }

    fn ask<T: FromRedisValue + Send + 'static>(
        &self,
        question: Question,
    ) -> BoxFuture<Result<T, LoginStoreError>> {
        let (pool, timeout) = (self.pool.clone(), self.timeout);
        let asked = async move {
            let mut connection = pool.get().await.map_err(|why| reason(&why))?;
            match question {
                Question::One(command) => command.query_async(&mut connection).await,
                Question::All(commands) => commands.query_async(&mut connection).await,
            }
            .map_err(|why| why.to_string())
        };
        Box::pin(async move {
            match tokio::time::timeout(timeout, asked).await {
                Ok(answer) => answer.map_err(LoginStoreError::new),
                Err(_elapsed) => Err(LoginStoreError::new("Redis does not answer in time")),
            }
        })
    }
}

enum Question {
    One(Cmd),
    All(Pipeline),
}

impl LoginStore for RedisLogins {
    fn contains(&self, id: &str) -> BoxFuture<Result<bool, LoginStoreError>> {
        let mut exists = cmd("EXISTS");
        exists.arg(self.key(id));
        let found = self.ask::<u64>(Question::One(exists));
        Box::pin(async move { Ok(found.await? == 1) })
    }

    fn save(&self, id: &str) -> BoxFuture<Result<(), LoginStoreError>> {
        let key = self.key(id);
        let mut commands = pipe();
        commands.atomic().cmd("SET").arg(&key).arg("true").ignore();
        commands.cmd("EXPIRE").arg(&key).arg(self.duration.as_secs().max(1)).ignore();
        self.ask(Question::All(commands))
    }
}
