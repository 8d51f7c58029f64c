//! Commands to Redis, in order.
//!
//! Callers put commands into a queue and go on. One task sends what is there as one batch and waits for its
//! answers before it sends the next: what comes meanwhile makes the next batch, so that many commands cost few
//! round trips. A batch whose answers do not come is **not** sent again, for it may have been carried out:
//! nothing arrives twice. What is still queued waits for the next connection.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Cmd, Pipeline, PushInfo, PushKind, RedisError, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::backoff::Backoff;
use super::health::{Counters, Health};
use super::server::{Server, ping, poisoned};
use crate::seal::{self, Seal};

/// Commands of one batch.
const BATCH: usize = 512;

/// Bytes of one batch; a larger command is a batch of its own.
const BATCH_BYTES: usize = 1024 * 1024;

/// What a command costs beside its bytes, so that empty ones cannot pile up for nothing.
const OVERHEAD: usize = 128;

/// Called once with the answer, on the thread of the connections; `None`: there is none, the command may
/// have been carried out or not.
pub(crate) type Reply = Box<dyn FnOnce(Option<Value>) + Send>;

/// Writes a command when its turn has come.
type Write = Box<dyn FnOnce() -> Cmd + Send>;

/// A command on its way.
pub(crate) struct Command {
    text: Text,
    bytes: usize,
    slot: u16,
    reply: Option<Reply>,
}

enum Text {
    Written(Cmd),
    /// It says when it is sent.
    Open(Write),
}

impl Command {
    /// A command of about `bytes` bytes whose answer counts only if it is an error.
    pub(crate) fn new(command: Cmd, bytes: usize) -> Self {
        Self::with_text(Text::Written(command), bytes)
    }

    /// As [`Self::new`], for a command that is written just before it is sent, on the thread of the connections.
    pub(crate) fn open(write: impl FnOnce() -> Cmd + Send + 'static, bytes: usize) -> Self {
        Self::with_text(Text::Open(Box::new(write)), bytes)
    }

    fn with_text(text: Text, bytes: usize) -> Self {
        Self { text, bytes: bytes.saturating_add(OVERHEAD), slot: 0, reply: None }
    }

    /// `PUBLISH`, or `SPUBLISH` where channels belong to shards.
    pub(crate) fn publish(name: &'static str, channel: &str, payload: &[u8]) -> Self {
        Self::new(publish(name, channel, payload), channel.len().saturating_add(payload.len()))
    }

    /// As [`Self::publish`], signed when it is sent: what waits for Redis is not too old then.
    pub(crate) fn publish_signed(
        name: &'static str,
        channel: &str,
        payload: &[u8],
        seal: Arc<Seal>,
    ) -> Self {
        let bytes = channel.len().saturating_add(payload.len()).saturating_add(seal::OVERHEAD);
        let (channel, payload) = (Box::<str>::from(channel), Box::<[u8]>::from(payload));
        Self::open(move || publish(name, &channel, &seal.message(&channel, &payload)), bytes)
    }

    /// The command belongs to a slot of a Redis Cluster.
    #[must_use]
    pub(crate) const fn in_slot(mut self, slot: u16) -> Self {
        self.slot = slot;
        self
    }

    pub(crate) const fn slot(&self) -> u16 {
        self.slot
    }

    /// The answer is told.
    #[must_use]
    pub(crate) fn on_reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }
}

fn publish(name: &str, channel: &str, payload: &[u8]) -> Cmd {
    let bytes = name.len().saturating_add(channel.len()).saturating_add(payload.len());
    let mut command = Cmd::with_capacity(3, bytes);
    command.arg(name).arg(channel).arg(payload);
    command
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The queue and its task; copies are the same queue.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    limit: usize,
    wake: Notify,
    /// Commands that are queued or under way.
    open: watch::Sender<usize>,
    health: Arc<Health>,
    name: Box<str>,
    task: OnceLock<AbortHandle>,
}

#[derive(Debug, Default)]
struct Queue {
    commands: VecDeque<Command>,
    bytes: usize,
}

impl Publisher {
    /// A queue for at most `limit` bytes; `name` is how the connection is called in logs.
    pub(crate) fn new(name: &str, limit: usize, health: Arc<Health>) -> Self {
        let shared = Shared {
            queue: Mutex::default(),
            limit,
            wake: Notify::new(),
            open: watch::Sender::new(0),
            health,
            name: name.into(),
            task: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts to send.
    pub(crate) fn start(&self, runtime: &Handle, server: Server) {
        self.shared.health.begins(&self.shared.name);
        let shared = Arc::clone(&self.shared);
        let task = runtime.spawn(async move { shared.run(&server).await });
        let _once = self.shared.task.set(task.abort_handle());
    }

    /// Sends nothing any more.
    pub(crate) fn end(&self) {
        if let Some(task) = self.shared.task.get() {
            task.abort();
        }
        self.shared.health.back(&self.shared.name);
    }

    /// Takes all that is queued.
    pub(crate) fn take(&self) -> VecDeque<Command> {
        let commands = {
            let mut queue = self.shared.queue.lock().unwrap_or_else(poisoned);
            queue.bytes = 0;
            std::mem::take(&mut queue.commands)
        };
        self.shared.open.send_modify(|open| *open = open.saturating_sub(commands.len()));
        commands
    }

    /// Puts a command at the end of the queue. If that is full, the oldest ones make room: they are dropped
    /// and counted.
    pub(crate) fn push(&self, command: Command) {
        let dropped = self.shared.push(command);
        self.shared.wake.notify_one();
        self.shared.gone(dropped);
    }

    /// Commands that are queued.
    pub(crate) fn queued(&self) -> usize {
        self.shared.queue.lock().unwrap_or_else(poisoned).commands.len()
    }

    /// Waits until all that was pushed so far is answered, lost or dropped, but not longer than `limit`.
    pub(crate) async fn flush(&self, limit: Duration) {
        let mut open = self.shared.open.subscribe();
        let _in_time = tokio::time::timeout(limit, open.wait_for(|open| *open == 0)).await;
    }
}

impl Shared {
    /// Gives back what had to make room.
    fn push(&self, command: Command) -> Vec<Command> {
        let mut dropped = Vec::new();
        let mut queue = self.queue.lock().unwrap_or_else(poisoned);
        queue.bytes = queue.bytes.saturating_add(command.bytes);
        queue.commands.push_back(command);
        while queue.bytes > self.limit
            && let Some(oldest) = queue.commands.pop_front()
        {
            queue.bytes = queue.bytes.saturating_sub(oldest.bytes);
            dropped.push(oldest);
        }
        self.open.send_modify(|open| *open += 1);
        dropped
    }

    /// Commands that will not be sent, or of which nobody knows whether they arrived.
    fn gone(&self, commands: Vec<Command>) {
        if commands.is_empty() {
            return;
        }
        let count = commands.len();
        Counters::add(&self.health.counters.dropped, count);
        for command in commands {
            if let Some(reply) = command.reply {
                reply(None);
            }
        }
        self.open.send_modify(|open| *open = open.saturating_sub(count));
    }

    /// The next commands, in order.
    fn batch(&self) -> Vec<Command> {
        let mut queue = self.queue.lock().unwrap_or_else(poisoned);
        let mut batch = Vec::new();
        let mut bytes = 0_usize;
        while batch.len() < BATCH
            && let Some(next) = queue.commands.front()
            && (batch.is_empty() || bytes.saturating_add(next.bytes) <= BATCH_BYTES)
            && let Some(next) = queue.commands.pop_front()
        {
            bytes = bytes.saturating_add(next.bytes);
            batch.push(next);
        }
        queue.bytes = queue.bytes.saturating_sub(bytes);
        batch
    }

    async fn run(self: Arc<Self>, server: &Server) {
        let mut backoff = Backoff::new();
        let mut last = None;
        loop {
            let closed = Arc::new(watch::Sender::new(false));
            let tell = Arc::clone(&closed);
            let push = move |info: PushInfo| {
                if info.kind == PushKind::Disconnection {
                    tell.send_replace(true);
                }
                Ok::<(), ()>(())
            };
            let why = match server.connect(push).await {
                Ok(mut connection) => {
                    last = Identity::succeed(last, &mut connection).await;
                    self.health.back(&self.name);
                    backoff.reset();
                    self.send_all(&mut connection, server, closed.subscribe()).await
                }
                Err(why) => why,
            };
            self.health.lost(&self.name, &why);
            backoff.pause().await;
        }
    }

    /// Sends until the connection is of no use any more.
    async fn send_all(
        &self,
        connection: &mut MultiplexedConnection,
        server: &Server,
        mut closed: watch::Receiver<bool>,
    ) -> RedisError {
        loop {
            // What is queued stays there if the connection is known to be of no use.
            if *closed.borrow() {
                return ended();
            }
            let batch = self.batch();
            if batch.is_empty() {
                tokio::select! {
                    () = self.wake.notified() => {}
                    _ = closed.changed() => return ended(),
                    () = tokio::time::sleep(server.timing().idle) => {
                        if let Err(why) = ping(connection).await {
                            return why;
                        }
                    }
                }
            } else if let Err(why) = self.send(connection, batch).await {
                return why;
            }
        }
    }

    async fn send(
        &self,
        connection: &mut MultiplexedConnection,
        batch: Vec<Command>,
    ) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::with_capacity(batch.len());
        let mut sent = Vec::with_capacity(batch.len());
        for Command { text, bytes, slot, reply } in batch {
            pipeline.add_command(match text {
                Text::Written(command) => command,
                Text::Open(write) => write(),
            });
            sent.push(Command { text: Text::Written(Cmd::new()), bytes, slot, reply });
        }
        let answers = match connection.send_packed_commands(&pipeline, 0, sent.len()).await {
            Ok(answers) => answers,
            Err(why) => {
                self.gone(sent);
                return Err(why);
            }
        };
        let count = sent.len();
        let mut answers = answers.into_iter();
        for command in sent {
            let answer = answers.next();
            match &answer {
                Some(Value::ServerError(error)) => self.health.refused(error),
                _ => Counters::add(&self.health.counters.published, 1),
            }
            if let Some(reply) = command.reply {
                reply(answer);
            }
        }
        self.open.send_modify(|open| *open = open.saturating_sub(count));
        Ok(())
    }
}

/// What a server calls a connection. A number alone may be another one's after a restart.
#[derive(Debug)]
struct Identity {
    number: String,
    address: String,
}

impl Identity {
    /// Makes sure that the server does not carry out any more what it has received on the last connection, and not
    /// looked at: it would come behind what this one says. If it does not allow that, so be it.
    async fn succeed(last: Option<Self>, connection: &mut MultiplexedConnection) -> Option<Self> {
        if let Some(last) = last {
            let mut end = Cmd::new();
            end.arg("CLIENT").arg("KILL").arg("ID").arg(last.number);
            end.arg("ADDR").arg(last.address);
            let _refused = end.exec_async(connection).await;
        }
        let mut ask = Cmd::new();
        let asked = ask.arg("CLIENT").arg("INFO").query_async::<String>(connection).await;
        let info = asked.ok()?;
        let field = |name: &str| {
            let value = info.split(' ').find_map(|field| field.strip_prefix(name))?;
            Some(value.to_owned())
        };
        Some(Self { number: field("id=")?, address: field("addr=")? })
    }
}

/// The server ended the connection.
pub(super) fn ended() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()
}
