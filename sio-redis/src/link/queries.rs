//! Questions to Redis, each with a deadline.

use deadpool_redis::redis::{Cmd, FromRedisValue, Pipeline};
use deadpool_redis::{
    BuildError, Manager, Pool, PoolConfig, PoolError, Runtime as PoolRuntime, Timeouts,
};

use sio_core::cluster::ClusterError;

use super::server::Server;

/// Connections for questions; more wait their turn.
const CONNECTIONS: usize = 4;

/// A pool of connections on the adapter's own thread.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    pool: Pool,
    server: Server,
}

impl Queries {
    /// # Errors
    ///
    /// The pool cannot be made.
    pub(crate) fn new(server: Server) -> Result<Self, crate::Error> {
        let pool = pool(&server)?;
        Ok(Self { pool, server })
    }

    /// Asks, on the adapter's own thread; the answer comes in bounded time.
    ///
    /// # Errors
    ///
    /// Redis is not there, refuses, or does not answer in time.
    pub(crate) async fn answer<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, ClusterError> {
        self.in_time(async {
            let mut connection = self.pool.get().await.map_err(|why| unavailable(&reason(&why)))?;
            let answer = command.query_async(&mut connection).await;
            answer.map_err(|why| unavailable(&why))
        })
        .await
    }

    /// As [`Self::answer`], for several commands on one connection.
    ///
    /// # Errors
    ///
    /// As [`Self::answer`].
    pub(crate) async fn answer_all<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, ClusterError> {
        self.in_time(async {
            let mut connection = self.pool.get().await.map_err(|why| unavailable(&reason(&why)))?;
            let answer = commands.query_async(&mut connection).await;
            answer.map_err(|why| unavailable(&why))
        })
        .await
    }

    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, ClusterError>>,
    ) -> Result<T, ClusterError> {
        match tokio::time::timeout(self.server.timing().answer, asked).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(ClusterError::Unavailable("no answer in time".to_owned())),
        }
    }
}

/// Connections for whoever has something to ask or to say; nothing is connected yet.
///
/// # Errors
///
/// The pool cannot be made.
pub(crate) fn pool(server: &Server) -> Result<Pool, crate::Error> {
    let answer = Some(server.timing().answer);
    let mut config = PoolConfig::new(CONNECTIONS);
    config.timeouts = Timeouts { wait: answer, create: answer, recycle: answer };
    let manager = Manager::new_with_config(server.info().clone(), server.config())
        .map_err(|why| crate::Error::address(&why))?;
    Pool::builder(manager)
        .config(config)
        .runtime(PoolRuntime::Tokio1)
        .build()
        .map_err(|why: BuildError| crate::Error::address(&why))
}

/// Why there is no connection, in the words of Redis or of the system if it is theirs.
pub(crate) fn reason(why: &PoolError) -> String {
    match why {
        PoolError::Backend(why) => why.to_string(),
        PoolError::Timeout(_) => "no connection in time".to_owned(),
        why => why.to_string(),
    }
}

fn unavailable(why: &dyn std::fmt::Display) -> ClusterError {
    ClusterError::Unavailable(why.to_string())
}

/// The adapter was stopped.
pub(crate) fn stopped() -> ClusterError {
    ClusterError::Unavailable("the adapter was stopped".to_owned())
}
