//! How an adapter comes to be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{self, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Value, cmd};

use crate::adapter::{Carrier, Classic, Sharded, Streams};
use crate::error::Error;
use crate::link::{Link, Remote, Runtime, Server, Timing};
use crate::options::{Mode, RedisOptions, SubscriptionMode};
use crate::redis_adapter::RedisAdapter;
use crate::seal::{Seal, SigningKey};
use crate::wire::Codec;

/// Makes a [`RedisAdapter`]; begins with [`RedisAdapter::builder`].
#[must_use]
pub struct RedisAdapterBuilder {
    address: Result<ConnectionInfo, String>,
    options: RedisOptions,
    codec: Codec,
}

impl RedisAdapterBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self::with_address(url.into_connection_info().map_err(|why| why.to_string()))
    }

    fn with_address(address: Result<ConnectionInfo, String>) -> Self {
        Self { address, options: RedisOptions::default(), codec: Codec::default() }
    }

    /// All options at once; those that were set before are forgotten.
    pub fn options(mut self, options: RedisOptions) -> Self {
        self.options = options;
        self
    }

    /// How nodes speak to each other; [`Mode::Classic`] if it is not said.
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.options.mode = mode;
        self
    }

    /// What the names of channels begin with; `socket.io` if it is not said. In the mode [`Mode::Streams`], the
    /// stream has a name of its own: [`Self::stream_name`].
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// How long requests to other nodes wait where the caller does not say; 5 s if it is not said.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = timeout;
        self
    }

    /// Answers go to the node that asked instead of to all; all nodes listen to both. Mode
    /// [`Mode::Classic`] only, the others always do so.
    pub const fn answer_on_own_channel(mut self, own: bool) -> Self {
        self.options.answer_on_own_channel = own;
        self
    }

    /// How broadcasts are written in the mode [`Mode::Classic`]; all nodes need the same.
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Which rooms have channels of their own in the mode [`Mode::Sharded`]; all nodes need the same.
    pub const fn subscription_mode(mut self, mode: SubscriptionMode) -> Self {
        self.options.subscription_mode = mode;
        self
    }

    /// The server is one of a Redis Cluster: all its masters are found and used; no if it is not said.
    ///
    /// In the mode [`Mode::Sharded`] each channel is at the master that has its slot, so that what is said on
    /// different channels has no common order. While slots move from one master to another, what is said on
    /// their channels may be lost.
    pub const fn cluster(mut self, cluster: bool) -> Self {
        self.options.cluster = cluster;
        self
    }

    /// Key of the stream in the mode [`Mode::Streams`]; with several streams, what keys begin with. `socket.io`
    /// if it is not said.
    pub fn stream_name(mut self, name: impl Into<String>) -> Self {
        self.options.stream_name = name.into();
        self
    }

    /// How many streams share the namespaces; 1 if it is not said, at most 1,024. All nodes need the same.
    pub const fn stream_count(mut self, count: u32) -> Self {
        self.options.stream_count = count;
        self
    }

    /// About how many entries a stream keeps; 10,000 if it is not said. A client that comes back finds what it
    /// missed only as long as the last event it got is among them.
    pub const fn stream_max_len(mut self, entries: u64) -> Self {
        self.options.stream_max_len = entries;
        self
    }

    /// How long an event of a server that recovers connections waits for its offset; 250 ms if it is not said.
    pub const fn stream_offset_wait(mut self, wait: Duration) -> Self {
        self.options.stream_offset_wait = wait;
        self
    }

    /// What the keys of kept sessions begin with; `sio:session:` if it is not said. All nodes need the same.
    pub fn session_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.session_key_prefix = prefix.into();
        self
    }

    /// Signs what this node says, with HMAC-SHA-256, and drops and counts what comes without the signature of this
    /// key, later than 30 s, or again. All nodes and emitters of the cluster need the same key, and clocks that are
    /// less than 30 s apart. Servers and emitters in Node.js cannot take part. Nothing is signed if it is not said.
    ///
    /// It protects from who can write to Redis and does not have the key; who can read it still sees everything.
    pub fn sign_with(mut self, key: SigningKey) -> Self {
        self.options.signing_key = Some(key);
        self
    }

    /// How many bytes of messages may wait while Redis is away; 16 MiB if it is not said. Above, the oldest
    /// are dropped and counted.
    pub const fn queue_bytes(mut self, bytes: usize) -> Self {
        self.options.queue_bytes = bytes;
        self
    }

    /// How long Redis may take for a command before its connection counts as dead; 5 s if it is not said.
    /// A connection that says nothing is asked as often.
    pub const fn command_timeout(mut self, timeout: Duration) -> Self {
        self.options.command_timeout = timeout;
        self
    }

    /// An adapter that connects in the background, and goes on trying.
    ///
    /// # Errors
    ///
    /// The address or an option cannot be used.
    pub fn build(self) -> Result<RedisAdapter, Error> {
        let (adapter, _) = self.assemble()?;
        Ok(adapter)
    }

    /// An adapter for a Redis that is there and can do what the mode needs.
    ///
    /// May be awaited on any thread. If it is dropped, nothing is left of the adapter.
    ///
    /// # Errors
    ///
    /// The address or an option cannot be used; Redis is not there, refuses, is too old, or is none of a
    /// Redis Cluster with [`Self::cluster`].
    pub async fn connect(self) -> Result<RedisAdapter, Error> {
        let (what, needed, version) = match self.options.uses_shards() {
            true => ("channels that belong to shards", "7.0", (7, 0)),
            false => ("the protocol that is used", "6.0", (6, 0)),
        };
        let cluster = self.options.cluster;
        let (adapter, link) = self.assemble()?;
        let server = link.server().name();
        let asked = link.clone();
        let found =
            Remote::spawn(link.runtime(), async move { version_of(asked.server(), cluster).await });
        let found = match found.await {
            Some(Ok(found)) => found,
            Some(Err(why)) => return Err(Error::Unavailable { server, why: why.to_string() }),
            None => return Err(Error::Unavailable { server, why: "stopped".to_owned() }),
        };
        match major_minor(&found) {
            Some(number) if number < version => Err(Error::TooOld { server, found, what, needed }),
            // Who gives no number is asked for the commands themselves.
            _ => Ok(adapter),
        }
    }

    fn assemble(self) -> Result<(RedisAdapter, Link), Error> {
        self.options.check()?;
        let info = self.address.map_err(Error::Address)?;
        let timing =
            Timing { answer: self.options.command_timeout, idle: self.options.command_timeout };
        if self.options.cluster && self.options.mode == Mode::Streams {
            let problem = "does not go with the mode streams: a stream is at one server";
            return Err(Error::Option { option: "cluster", problem });
        }
        let server = Server::new(info, timing).map_err(|why| Error::address(&why))?;
        let runtime = Runtime::start()?;
        let options = &self.options;
        let link = Link::new(
            runtime.handle().clone(),
            server,
            options.queue_bytes,
            options.uses_shards(),
            options.cluster,
            options.signing_key.as_ref().map(Seal::new),
        )?;
        let prefix = &options.prefix;
        let carrier: Arc<dyn Carrier> = match options.mode {
            Mode::Classic => {
                let own = options.answer_on_own_channel;
                Arc::new(Classic::new(link.clone(), prefix, self.codec, own))
            }
            Mode::Sharded => {
                Arc::new(Sharded::new(link.clone(), prefix, options.subscription_mode))
            }
            Mode::Streams => Arc::new(Streams::new(link.clone(), options)),
        };
        Ok((RedisAdapter::new(carrier, options.request_timeout, runtime), link))
    }
}

impl From<ConnectionInfo> for RedisAdapterBuilder {
    fn from(info: ConnectionInfo) -> Self {
        Self::with_address(Ok(info))
    }
}

impl From<&redis::Client> for RedisAdapterBuilder {
    /// An adapter for the same server; its connections are its own.
    fn from(client: &redis::Client) -> Self {
        Self::with_address(Ok(client.get_connection_info().clone()))
    }
}

impl From<deadpool_redis::Config> for RedisAdapterBuilder {
    /// An adapter for the same server; its connections are its own, and the settings of the pool are not
    /// looked at.
    fn from(config: deadpool_redis::Config) -> Self {
        match (config.url, config.connection) {
            (Some(url), None) => Self::new(&url),
            (None, Some(connection)) => Self::with_address(Ok(connection.into())),
            (Some(_), Some(_)) => {
                Self::with_address(Err("both url and connection are given".to_owned()))
            }
            (None, None) => {
                Self::with_address(Err("neither url nor connection is given".to_owned()))
            }
        }
    }
}

impl fmt::Debug for RedisAdapterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.address.as_ref().map(ConnectionInfo::addr).map(ConnectionAddr::to_string);
        f.debug_struct("RedisAdapterBuilder")
            .field("server", &server)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What the server says of itself. One of a Redis Cluster has to say where the others are, too.
async fn version_of(server: &Server, cluster: bool) -> Result<String, redis::RedisError> {
    let mut connection = server.connect(|_| Ok::<(), ()>(())).await?;
    if cluster {
        let _slots: Value = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
    }
    let text: String = cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
    Ok(version.unwrap_or_default().trim().to_owned())
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_its_first_two_numbers() {
        assert_eq!(major_minor("7.0.15"), Some((7, 0)));
        assert_eq!(major_minor("6.2"), Some((6, 2)));
        assert_eq!(major_minor(""), None);
        assert_eq!(major_minor("unstable"), None);
    }

    #[test]
    fn no_text_shows_the_password() {
        let builder = RedisAdapter::builder("redis://:secret@127.0.0.1:1/0");
        assert!(!format!("{builder:?}").contains("secret"));
        let adapter = builder.build().unwrap();
        assert!(!format!("{adapter:?}").contains("secret"));
        let error = RedisAdapter::builder("redis://:secret@[bad").build().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
