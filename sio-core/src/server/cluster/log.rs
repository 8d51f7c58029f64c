//! What a node asks of the log that all nodes share.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{self, Either};

use crate::cluster::{EventLog, Message, Offset, RestoredSession, SavedSession};

use super::Cluster;

impl Cluster {
    /// There is such a log.
    pub(in crate::server) const fn has_log(&self) -> bool {
        self.has_log
    }

    fn with_log<R>(&self, call: impl FnOnce(&dyn EventLog) -> R) -> Option<R> {
        self.call(|adapter| adapter.event_log().map(call)).flatten()
    }

    /// Adds an event, or gives it back: this node is in no cluster any more.
    pub(super) fn append(&self, namespace: &str, message: Message) -> Option<Message> {
        let mut message = Some(message);
        self.with_log(|log| message.take().map(|message| log.append(namespace, message)));
        message
    }

    pub(in crate::server) fn save(&self, namespace: &str, session: SavedSession, keep: Duration) {
        self.with_log(|log| log.save(namespace, session, keep));
    }

    /// Takes a session, if that is possible `within` a time.
    pub(in crate::server) async fn restore(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
        within: Duration,
    ) -> Option<RestoredSession> {
        let restored = self.with_log(|log| log.restore(namespace, pid, offset))?;
        let sleep = self.call(|adapter| adapter.sleep(within))?;
        match std::panic::AssertUnwindSafe(future::select(restored, sleep)).catch_unwind().await {
            Ok(Either::Left((restored, _))) => restored,
            Ok(Either::Right(_)) => {
                tracing::debug!(namespace, "a session was not found in time");
                None
            }
            Err(_panic) => {
                tracing::error!("the adapter panicked");
                None
            }
        }
    }
}
