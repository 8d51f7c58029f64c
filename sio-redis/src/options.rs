//! What can be set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::seal::SigningKey;
use crate::wire::channel::RoomChannels;

/// A node reads all streams with one command.
const MAX_STREAMS: u32 = 1_024;

/// How nodes speak to each other. All nodes of a cluster need the same mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Mode {
    /// Channels that all of Redis hears: the reference's `createAdapter`. Needs Redis 6.
    #[default]
    Classic,
    /// Channels that belong to shards: the reference's `createShardedAdapter`. Needs Redis 7; on a Redis
    /// Cluster, traffic is spread over its masters.
    Sharded,
    /// A stream that nodes read at their own pace, so that they catch up after an outage, and clients that
    /// come back find what they missed. Needs Redis 6.
    Streams,
}

/// Which rooms have channels of their own in the mode [`Mode::Sharded`]. All nodes need the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubscriptionMode {
    /// None: two channels for each namespace.
    Static,
    /// Rooms that are not a socket's own, as long as they have members on the node.
    #[default]
    Dynamic,
    /// All rooms, those of single sockets included.
    DynamicPrivate,
}

impl From<SubscriptionMode> for RoomChannels {
    fn from(mode: SubscriptionMode) -> Self {
        match mode {
            SubscriptionMode::Static => Self::Never,
            SubscriptionMode::Dynamic => Self::Public,
            SubscriptionMode::DynamicPrivate => Self::All,
        }
    }
}

/// Options of an adapter, also as data: keys are the reference's where it has them, times are milliseconds. What is
/// written is without the key of signatures.
///
/// ```
/// use sio_redis::{Mode, RedisOptions};
///
/// let options: RedisOptions = serde_json::from_str(r#"{"mode": "sharded", "requestsTimeout": 2000}"#)?;
/// assert_eq!(options.mode, Mode::Sharded);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisOptions {
    /// How nodes speak to each other.
    pub mode: Mode,
    /// What the names of channels begin with (`key`, `channelPrefix`); `socket.io`.
    #[serde(alias = "key", alias = "channelPrefix")]
    pub prefix: String,
    /// How long requests to other nodes wait where the caller does not say; 5 s.
    #[serde(rename = "requestsTimeout", with = "millis")]
    pub request_timeout: Duration,
    /// Answers go to the asking node alone instead of to all (`publishOnSpecificResponseChannel`); no.
    #[serde(rename = "publishOnSpecificResponseChannel")]
    pub answer_on_own_channel: bool,
    /// Which rooms have channels of their own, in the mode [`Mode::Sharded`].
    pub subscription_mode: SubscriptionMode,
    /// The server is one of a Redis Cluster; no.
    pub cluster: bool,
    /// Bytes that may wait while Redis is away; above, the oldest messages are dropped. 16 MiB.
    pub queue_bytes: usize,
    /// A command without an answer for so long means that the connection is dead; 5 s.
    #[serde(with = "millis")]
    pub command_timeout: Duration,
    /// Key of the stream; with a `stream_count` above 1, what keys begin with. `socket.io`.
    pub stream_name: String,
    /// How many streams share the namespaces; 1, at most 1,024.
    pub stream_count: u32,
    /// About how many entries a stream keeps (`maxLen`); 10,000.
    #[serde(rename = "maxLen")]
    pub stream_max_len: u64,
    /// How many entries are read at a time (`readCount`); 100.
    #[serde(rename = "readCount")]
    pub stream_read_count: u32,
    /// How long a read waits for entries (`blockTimeInMs`); 5 s.
    #[serde(rename = "blockTimeInMs", with = "millis")]
    pub stream_block_time: Duration,
    /// What the keys of kept sessions begin with; `sio:session:`.
    pub session_key_prefix: String,
    /// Entries never hold MessagePack; bytes in them arrive as objects (`onlyPlaintext`). No.
    #[serde(rename = "onlyPlaintext")]
    pub stream_only_plaintext: bool,
    /// How long an event of a server that recovers connections waits for its offset from the stream; then it is
    /// delivered without, and does not count for recovery. 250 ms.
    #[serde(rename = "offsetWait", with = "millis")]
    pub stream_offset_wait: Duration,
    /// Channels beside the stream belong to shards (`useShardedPubSub`); no.
    #[serde(rename = "useShardedPubSub")]
    pub stream_sharded_channels: bool,
    /// What nodes say is signed with this key, and what is not is dropped and counted; nothing is. Servers in
    /// Node.js cannot be among them then.
    #[serde(skip_serializing)]
    pub signing_key: Option<SigningKey>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            prefix: "socket.io".to_owned(),
            request_timeout: Duration::from_secs(5),
            answer_on_own_channel: false,
            subscription_mode: SubscriptionMode::default(),
            cluster: false,
            queue_bytes: 16 * 1024 * 1024,
            command_timeout: Duration::from_secs(5),
            stream_name: "socket.io".to_owned(),
            stream_count: 1,
            stream_max_len: 10_000,
            stream_read_count: 100,
            stream_block_time: Duration::from_secs(5),
            session_key_prefix: "sio:session:".to_owned(),
            stream_only_plaintext: false,
            stream_offset_wait: Duration::from_millis(250),
            stream_sharded_channels: false,
            signing_key: None,
        }
    }
}

impl RedisOptions {
    /// Whether these can work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let above_zero = [
            ("requestsTimeout", self.request_timeout.is_zero()),
            ("commandTimeout", self.command_timeout.is_zero()),
            ("queueBytes", self.queue_bytes == 0),
            ("streamCount", self.stream_count == 0),
            ("maxLen", self.stream_max_len == 0),
            ("readCount", self.stream_read_count == 0),
            ("blockTimeInMs", self.stream_block_time.as_millis() == 0),
        ];
        match above_zero.into_iter().find(|(_, zero)| *zero) {
            Some((option, _)) => Err(Error::Option { option, problem: "must be above zero" }),
            None if self.stream_count > MAX_STREAMS => {
                Err(Error::Option { option: "streamCount", problem: "must not be above 1024" })
            }
            None => Ok(()),
        }
    }

    /// Whether channels belong to shards.
    pub(crate) const fn uses_shards(&self) -> bool {
        match self.mode {
            Mode::Classic => false,
            Mode::Sharded => true,
            Mode::Streams => self.stream_sharded_channels,
        }
    }
}

/// Times as whole milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_known_is_an_error() {
        let error = serde_json::from_str::<RedisOptions>(r#"{"prefx": "a"}"#).unwrap_err();
        assert!(error.to_string().contains("prefx"), "{error}");
    }

    #[test]
    fn a_time_of_zero_is_an_error() {
        let options: RedisOptions = serde_json::from_str(r#"{"requestsTimeout": 0}"#).unwrap();
        let error = options.check().unwrap_err();
        assert_eq!(error.to_string(), "the option requestsTimeout must be above zero");
    }

    #[test]
    fn more_streams_than_a_node_reads_at_once_are_an_error() {
        let options: RedisOptions = serde_json::from_str(r#"{"streamCount": 4000000000}"#).unwrap();
        let error = options.check().unwrap_err();
        assert_eq!(error.to_string(), "the option streamCount must not be above 1024");
        let options: RedisOptions = serde_json::from_str(r#"{"streamCount": 1024}"#).unwrap();
        assert!(options.check().is_ok());
    }

    #[test]
    fn the_keys_are_the_references() {
        let options: RedisOptions = serde_json::from_str(
            r#"{"mode": "sharded", "channelPrefix": "p", "subscriptionMode": "dynamic-private",
                "maxLen": 5, "blockTimeInMs": 7, "publishOnSpecificResponseChannel": true}"#,
        )
        .unwrap();
        assert_eq!(options.mode, Mode::Sharded);
        assert_eq!(options.prefix, "p");
        assert_eq!(options.subscription_mode, SubscriptionMode::DynamicPrivate);
        assert_eq!(options.stream_max_len, 5);
        assert_eq!(options.stream_block_time, Duration::from_millis(7));
        assert!(options.answer_on_own_channel);
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<RedisOptions>(&text).unwrap(), options);
    }
}
