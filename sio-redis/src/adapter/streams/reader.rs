//! Reads the streams, from where they end when the node starts.
//!
//! After an outage it reads on where it had stopped. If Redis has lost its data meanwhile, there is nothing behind
//! that place, and it begins at the beginning.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{PushInfo, RedisError, RedisResult, Value, cmd};
use sio_core::cluster::Offset;
use tokio::sync::watch;

use crate::link::Backoff;
use crate::wire::channel;

use super::entries::{entries, of_streams};
use super::{STREAM, State};

pub(super) struct Reader {
    state: Arc<State>,
    streams: Vec<Stream>,
    is_placed: watch::Sender<bool>,
}

struct Stream {
    name: String,
    /// The last entry that was read; none if it is not known yet where the stream ends.
    position: Option<Offset>,
}

impl Reader {
    /// Says whether it is connected and knows where to read.
    pub(super) fn new(state: Arc<State>) -> (Self, watch::Receiver<bool>) {
        let options = &state.options;
        let streams = channel::streams(&options.stream_name, options.stream_count)
            .into_iter()
            .map(|name| Stream { name, position: None })
            .collect();
        let (is_placed, watched) = watch::channel(false);
        (Self { state, streams, is_placed }, watched)
    }

    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let why = match self.connect().await {
                Ok(mut connection) => {
                    self.state.health().back(STREAM);
                    backoff.reset();
                    self.is_placed.send_replace(true);
                    self.follow(&mut connection).await
                }
                Err(why) => why,
            };
            self.is_placed.send_replace(false);
            self.state.health().lost(STREAM, &why);
            backoff.pause().await;
        }
    }

    async fn connect(&mut self) -> RedisResult<MultiplexedConnection> {
        let server = self.state.link.server();
        let longest = self.block_time() + server.timing().answer;
        let nothing = |_: PushInfo| Ok::<(), ()>(());
        let mut connection = server.connect_patiently(longest, nothing).await?;
        for stream in &mut self.streams {
            let mut last = cmd("XREVRANGE");
            last.arg(&stream.name).arg("+").arg("-").arg("COUNT").arg(1);
            let found = entries(last.query_async::<Value>(&mut connection).await?);
            let last = found.first().map(|entry| entry.offset).unwrap_or_default();
            match stream.position {
                Some(position) if position > last => {
                    tracing::warn!(stream = stream.name, "Redis has lost the stream");
                    stream.position = Some(Offset::default());
                }
                Some(_) => {}
                None => stream.position = Some(last),
            }
        }
        Ok(connection)
    }

    fn block_time(&self) -> Duration {
        self.state.options.stream_block_time
    }

    /// Reads until the connection is of no use any more.
    async fn follow(&mut self, connection: &mut MultiplexedConnection) -> RedisError {
        let block = u64::try_from(self.block_time().as_millis()).unwrap_or(u64::MAX);
        loop {
            let mut read = cmd("XREAD");
            read.arg("COUNT").arg(self.state.options.stream_read_count);
            read.arg("BLOCK").arg(block).arg("STREAMS");
            self.streams.iter().for_each(|stream| _ = read.arg(&stream.name));
            for stream in &self.streams {
                read.arg(stream.position.unwrap_or_default().to_string());
            }
            let found = match read.query_async::<Value>(connection).await {
                Ok(found) => of_streams(found),
                Err(why) => return why,
            };
            for (name, entries) in found {
                let Some(stream) = self.streams.iter_mut().find(|stream| stream.name == name)
                else {
                    continue;
                };
                for entry in entries {
                    stream.position = Some(entry.offset);
                    self.state.hear(&stream.name, &entry);
                }
            }
        }
    }
}
