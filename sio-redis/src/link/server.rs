//! Where Redis is, and how a connection to it is made.

use std::sync::PoisonError;
use std::time::Duration;

use deadpool_redis::redis::aio::{AsyncPushSender, MultiplexedConnection};
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ProtocolVersion, RedisError,
    RedisResult, cmd,
};

/// The time everything has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// An answer that takes longer means that the connection is dead.
    pub(crate) answer: Duration,
    /// A connection that said nothing for so long is asked whether it lives.
    pub(crate) idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { answer: Duration::from_secs(5), idle: Duration::from_secs(5) }
    }
}

/// A Redis server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    client: Client,
    timing: Timing,
}

impl Server {
    /// # Errors
    ///
    /// The address is of a kind that is not built in.
    pub(crate) fn new(info: ConnectionInfo, timing: Timing) -> RedisResult<Self> {
        #[cfg(feature = "tls")]
        choose_cryptography();
        // Messages on one connection with answers need the third version of the protocol.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp: TcpSettings = info.tcp_settings().clone().set_nodelay(true);
        let client = Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))?;
        Ok(Self { client, timing })
    }

    pub(crate) const fn timing(&self) -> Timing {
        self.timing
    }

    pub(crate) fn info(&self) -> &ConnectionInfo {
        self.client.get_connection_info()
    }

    /// Host and port, or path.
    pub(crate) fn name(&self) -> String {
        self.info().addr().to_string()
    }

    /// The host's name or address; empty if it is a path.
    pub(crate) fn host(&self) -> String {
        match self.info().addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
            _ => String::new(),
        }
    }

    /// Another server that is reached in the same way.
    ///
    /// # Errors
    ///
    /// Never for an address of the same kind.
    pub(crate) fn at(&self, host: &str, port: u16) -> RedisResult<Self> {
        let addr = match self.info().addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        Self::new(self.info().clone().set_addr(addr), self.timing)
    }

    /// How connections are set up.
    pub(crate) fn config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timing.answer))
            .set_response_timeout(Some(self.timing.answer))
    }

    /// Connects, and makes sure that the server takes commands. What it says by itself goes to `push`, on
    /// the task that reads: a slow receiver slows the server down, and nothing piles up here.
    ///
    /// # Errors
    ///
    /// The server is not there, does not answer in time, or refuses.
    pub(crate) async fn connect(
        &self,
        push: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        self.connect_patiently(self.timing.answer, push).await
    }

    /// As [`Self::connect`], for a connection on which answers may take longer.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(crate) async fn connect_patiently(
        &self,
        answer: Duration,
        push: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = self.config().set_response_timeout(Some(answer)).set_push_sender(push);
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        ping(&mut connection).await?;
        Ok(connection)
    }
}

/// Which cryptography serves TLS is the program's choice; without one, connecting would panic.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        let _chosen_meanwhile = ring::default_provider().install_default();
    }
}

/// Whether the server answers; one that reads its data from disk says no.
pub(super) async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    cmd("PING").exec_async(connection).await
}

/// User code never runs under these locks, so what they guard is whole.
pub(crate) fn poisoned<T>(error: PoisonError<T>) -> T {
    error.into_inner()
}
