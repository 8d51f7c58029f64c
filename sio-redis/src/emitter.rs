//! Speaking to a cluster without being a node of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::{Cmd, IntoConnectionInfo, RedisError, Value, cmd};
use deadpool_redis::{Pool, PoolError};
use serde::Serialize;
use sio_core::adapter::{BroadcastOptions, RoomNames};
use sio_core::cluster::{Data, Message};
use sio_core::packet::{EncodeError, check_name, encode_args};

use crate::error::Error;
use crate::link::{Server, Timing, pool, reason};
use crate::options::{Mode, RedisOptions};
use crate::seal::{Seal, SigningKey};
use crate::wire::envelope::{self, Encoding, Said};
use crate::wire::{Codec, EMITTER, Sender, channel, classic, entry};

/// Names that nodes keep for themselves.
const RESERVED_SERVER_SIDE: [&str; 3] = ["connect", "connection", "new_namespace"];

/// Speaks to all servers of a cluster from a program that is none of them: a job, a console, another service.
///
/// It says what the official emitters say: in the mode [`Mode::Classic`] what `@socket.io/redis-emitter` does, in
/// the mode [`Mode::Streams`] what `@socket.io/redis-streams-emitter` does. For [`Mode::Sharded`] there is none in
/// the reference; servers understand this one all the same. Mode, prefix and the like must be those of the servers.
///
/// It speaks to one Redis. On a Redis Cluster each channel of the mode [`Mode::Sharded`] is at one of the masters:
/// what belongs to another is refused there, and is an error. The other modes work with any master.
///
/// Copies are cheap and share their connections; selections are copies. Nothing can be asked: there are no acks
/// and no lists of sockets. Needs a tokio runtime, and no server of any kind.
///
/// ```no_run
/// use sio_redis::Emitter;
///
/// # async fn deploy() -> Result<(), Box<dyn std::error::Error>> {
/// let emitter = Emitter::new("redis://127.0.0.1:6379")?;
/// emitter.emit("maintenance", "in five minutes").await?;
/// emitter.of("/admin").to("operators").emit("deployed", ("api", 17)).await?;
/// emitter.within("banned").disconnect_sockets(true).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Emitter {
    pool: Pool,
    timeout: Duration,
    manner: Arc<Manner>,
    namespace: Arc<str>,
    selection: BroadcastOptions,
}

/// How it speaks.
#[derive(Clone)]
struct Manner {
    options: RedisOptions,
    codec: Codec,
    seal: Option<Arc<Seal>>,
}

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitterError {
    /// The name is reserved, or the arguments cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Redis is not there, refuses, or does not answer in time; in the last case it may have been said.
    #[error("Redis cannot be used: {0}")]
    Unavailable(String),
}

impl From<PoolError> for EmitterError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(reason(&error))
    }
}

impl From<RedisError> for EmitterError {
    fn from(error: RedisError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Emitter {
    /// Speaks through the Redis at `url`, to the namespace `/`; connects when there is something to say.
    ///
    /// # Errors
    ///
    /// The address cannot be used.
    pub fn new(url: &str) -> Result<Self, Error> {
        let info = url.into_connection_info().map_err(|why| Error::address(&why))?;
        let server = Server::new(info, Timing::default()).map_err(|why| Error::address(&why))?;
        Ok(Self::from(pool(&server)?))
    }

    /// All options of the servers' adapters; those that do not matter here are ignored. A `command_timeout` bounds
    /// everything that is said.
    pub fn options(mut self, options: RedisOptions) -> Self {
        self.timeout = options.command_timeout;
        self.change(|manner| {
            manner.seal = options.signing_key.as_ref().map(|key| Arc::new(Seal::new(key)));
            manner.options = options;
        })
    }

    /// How the servers speak to each other; [`Mode::Classic`] if it is not said.
    pub fn mode(self, mode: Mode) -> Self {
        self.change(|manner| manner.options.mode = mode)
    }

    /// What the names of the servers' channels begin with; `socket.io` if it is not said. In the mode
    /// [`Mode::Streams`] it is the name of the stream instead.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.change(|manner| {
            manner.options.stream_name.clone_from(&prefix);
            manner.options.prefix = prefix;
        })
    }

    /// How broadcasts are written in the mode [`Mode::Classic`].
    pub fn codec(self, codec: Codec) -> Self {
        self.change(|manner| manner.codec = codec)
    }

    /// Signs what it says, for servers that want that: [`sign_with`](crate::RedisAdapterBuilder::sign_with) of theirs.
    pub fn sign_with(self, key: &SigningKey) -> Self {
        self.change(|manner| manner.seal = Some(Arc::new(Seal::new(key))))
    }

    /// Another namespace, with an empty selection; a missing slash is added.
    pub fn of(&self, namespace: &str) -> Self {
        let slash = if namespace.starts_with('/') { "" } else { "/" };
        let namespace = format!("{slash}{namespace}").into();
        Self { namespace, selection: BroadcastOptions::default(), ..self.clone() }
    }

    /// To the members of these rooms, and of those that are selected already.
    pub fn to(&self, rooms: impl RoomNames) -> Self {
        let mut next = self.clone();
        rooms.append_to(&mut next.selection.rooms);
        next
    }

    /// As [`Self::to`], where no event follows.
    pub fn within(&self, rooms: impl RoomNames) -> Self {
        self.to(rooms)
    }

    /// Not to the members of these rooms.
    pub fn except(&self, rooms: impl RoomNames) -> Self {
        let mut next = self.clone();
        rooms.append_to(&mut next.selection.except);
        next
    }

    /// Clients that cannot take the event at that moment miss it.
    pub fn volatile(&self) -> Self {
        let mut next = self.clone();
        next.selection.flags.volatile = true;
        next
    }

    /// Whether transports that compress may compress the event.
    pub fn compress(&self, compress: bool) -> Self {
        let mut next = self.clone();
        next.selection.flags.compress = Some(compress);
        next
    }

    /// Sends an event to the selected sockets, of the whole namespace if none are.
    ///
    /// A tuple is several arguments, `()` none, anything else one.
    ///
    /// # Errors
    ///
    /// The name is reserved, the arguments cannot be serialised, or Redis cannot be used.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the event may or may not have been sent.
    pub async fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitterError> {
        check_name(event)?;
        let data = event_data(event, &args)?;
        let options = self.selection.clone();
        self.say(Message::Broadcast { data, id: None, options, request: None }).await
    }

    /// The selected sockets join rooms.
    ///
    /// # Errors
    ///
    /// Redis cannot be used.
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit`].
    pub async fn sockets_join(&self, rooms: impl RoomNames) -> Result<(), EmitterError> {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.say(Message::Join { options: self.selection.clone(), rooms: names }).await
    }

    /// The selected sockets leave rooms.
    ///
    /// # Errors
    ///
    /// Redis cannot be used.
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit`].
    pub async fn sockets_leave(&self, rooms: impl RoomNames) -> Result<(), EmitterError> {
        let mut names = Vec::new();
        rooms.append_to(&mut names);
        self.say(Message::Leave { options: self.selection.clone(), rooms: names }).await
    }

    /// The selected sockets are disconnected; with `close` their sessions end, too.
    ///
    /// # Errors
    ///
    /// Redis cannot be used.
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit`].
    pub async fn disconnect_sockets(&self, close: bool) -> Result<(), EmitterError> {
        self.say(Message::Disconnect { options: self.selection.clone(), close }).await
    }

    /// Tells all servers that have the namespace; the selection does not matter.
    ///
    /// # Errors
    ///
    /// The name is reserved, the arguments cannot be serialised, or Redis cannot be used.
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit`].
    pub async fn server_side_emit(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> Result<(), EmitterError> {
        if let Some(name) = RESERVED_SERVER_SIDE.into_iter().find(|name| *name == event) {
            return Err(EncodeError::ReservedEvent(name).into());
        }
        let data = event_data(event, &args)?;
        self.say(Message::ServerSide { data, request: None }).await
    }

    fn change(mut self, change: impl FnOnce(&mut Manner)) -> Self {
        change(Arc::make_mut(&mut self.manner));
        self
    }

    async fn say(&self, message: Message) -> Result<(), EmitterError> {
        let command = self.manner.command(&self.namespace, &message)?;
        let sent = async {
            let mut connection = self.pool.get().await?;
            let _receivers: Value = command.query_async(&mut connection).await?;
            Ok(())
        };
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(result) => result,
            Err(_elapsed) => Err(EmitterError::Unavailable("no answer in time".to_owned())),
        }
    }
}

impl From<Pool> for Emitter {
    /// Speaks through connections of a pool that the program has anyway.
    fn from(pool: Pool) -> Self {
        let options = RedisOptions::default();
        Self {
            pool,
            timeout: options.command_timeout,
            manner: Arc::new(Manner { options, codec: Codec::default(), seal: None }),
            namespace: "/".into(),
            selection: BroadcastOptions::default(),
        }
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter")
            .field("mode", &self.manner.options.mode)
            .field("namespace", &self.namespace)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl Manner {
    /// One command says it.
    fn command(&self, namespace: &str, message: &Message) -> Result<Cmd, EncodeError> {
        let (options, from) = (&self.options, Sender::Emitter);
        let prefix = &options.prefix;
        match options.mode {
            Mode::Classic => {
                let channel = channel::classic(prefix, namespace, message);
                let payload = classic::encode(self.codec, from, namespace, message)?;
                Ok(self.publish("PUBLISH", &channel, &payload))
            }
            Mode::Sharded => {
                let rooms = options.subscription_mode.into();
                let channel = channel::sharded(prefix, namespace, message, rooms);
                let said = Said::Message(message);
                let payload = envelope::encode(from, namespace, said, Encoding::Smallest)?;
                Ok(self.publish("SPUBLISH", &channel, &payload))
            }
            Mode::Streams => {
                let stream = channel::stream(&options.stream_name, options.stream_count, namespace);
                let plain = options.stream_only_plaintext;
                let fields = entry::encode(from, namespace, message, plain)?;
                let seal = self.seal.as_deref();
                let max_len = options.stream_max_len;
                Ok(entry::command(&stream, max_len, EMITTER, namespace, &fields, seal))
            }
        }
    }

    fn publish(&self, name: &str, channel: &str, payload: &[u8]) -> Cmd {
        let mut command = cmd(name);
        command.arg(channel);
        match &self.seal {
            None => command.arg(payload),
            Some(seal) => command.arg(seal.message(channel, payload)),
        };
        command
    }
}

/// Name and arguments as one array.
fn event_data<T: Serialize>(event: &str, args: &T) -> Result<Data, EncodeError> {
    let mut text = vec![b'['];
    // A string always has a JSON form.
    text.extend_from_slice(serde_json::to_string(event).unwrap_or_default().as_bytes());
    let mut attachments: Vec<Bytes> = Vec::new();
    encode_args(&mut text, &mut attachments, args)?;
    text.push(b']');
    let json = String::from_utf8(text).map_err(|why| EncodeError::Serialize(why.to_string()))?;
    Ok(Data { json: json.into(), attachments })
}
