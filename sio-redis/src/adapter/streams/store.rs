//! Sessions of clients that may come back, and what they have missed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{Pipeline, Value, cmd};
use sio_core::cluster::{
    ClusterError, LoggedEvent, Message, Offset, RestoredSession, SavedSession,
};
use tokio::sync::oneshot;

use crate::link::{Command, Link};
use crate::options::RedisOptions;
use crate::seal::{self, Seen};
use crate::wire::{channel, entry};

use super::entries::{Entry, entries};

/// Entries that are read at a time.
const STEP: usize = 1_000;

/// Reads until a client has what it missed; more than this is more than streams keep.
const STEPS: usize = 100;

/// What a client may have missed, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// Copies are the same store.
#[derive(Clone)]
pub(super) struct Store {
    link: Link,
    prefix: Arc<str>,
    stream_name: Arc<str>,
    stream_count: u32,
    /// Sessions that are on their way to Redis.
    saving: Arc<AtomicUsize>,
}

impl Store {
    pub(super) fn new(link: Link, options: &RedisOptions) -> Self {
        Self {
            link,
            prefix: options.session_key_prefix.as_str().into(),
            stream_name: options.stream_name.as_str().into(),
            stream_count: options.stream_count,
            saving: Arc::default(),
        }
    }

    pub(super) fn save(&self, namespace: &str, session: &SavedSession, keep: Duration) {
        let key = self.key(&session.pid);
        let text = match entry::encode_session(namespace, session) {
            Ok(text) => text,
            Err(why) => return self.link.health().unsaid("sessions", &why),
        };
        let text = match self.link.guard() {
            None => text,
            Some(guard) => guard.seal().session(&key, &text, keep),
        };
        let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let bytes = key.len() + text.len();
        let mut command = cmd("SET");
        command.arg(key).arg(text).arg("PX").arg(millis);
        self.saving.fetch_add(1, Ordering::AcqRel);
        let saving = Arc::clone(&self.saving);
        let command = Command::new(command, bytes).on_reply(Box::new(move |_| {
            saving.fetch_sub(1, Ordering::AcqRel);
        }));
        self.link.publisher().push(command);
    }

    /// Takes a session; whatever goes wrong, there is none.
    ///
    /// Differs from the reference: a session does not open another namespace than its own, whose guards would
    /// not be asked.
    pub(super) async fn restore(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> Option<RestoredSession> {
        match self.find(namespace, pid, offset).await {
            Ok(found) => found,
            Err(why) => {
                tracing::debug!(namespace, "a session cannot be restored: {why}");
                None
            }
        }
    }

    async fn find(
        &self,
        namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> Result<Option<RestoredSession>, ClusterError> {
        self.until_saved().await;
        let stream = channel::stream(&self.stream_name, self.stream_count, namespace);
        let key = self.key(pid);
        let mut take = Pipeline::new();
        take.atomic().cmd("GET").arg(&key).cmd("DEL").arg(&key).ignore();
        let mut known = cmd("XRANGE");
        known.arg(&stream).arg(offset.to_string()).arg(offset.to_string());
        let queries = self.link.queries();
        // Both at once; a session is used up even if its client's offset is not there any more.
        let (taken, known) = tokio::join!(
            Box::pin(queries.answer_all::<(Option<String>,)>(&take)),
            Box::pin(queries.answer::<Value>(&known))
        );
        let ((session,), known) = (taken?, known?);
        let is_of_here = |entry: &Entry| entry.namespace.as_deref() == Some(namespace);
        let Some(session) = session.filter(|_| entries(known).first().is_some_and(is_of_here))
        else {
            return Ok(None);
        };
        let guard = self.link.guard();
        let text = match guard {
            None => Some(session.as_str()),
            Some(guard) => guard.session(&key, &session),
        };
        let Some(text) = text else { return Ok(None) };
        let session = match entry::decode_session(text) {
            Ok((Some(other), _)) if *other != *namespace => return Ok(None),
            Ok((_, session)) => session,
            Err(why) => {
                self.link.health().garbage("sessions", &why);
                return Ok(None);
            }
        };
        // Entries before the offset are only looked at for copies of theirs behind it.
        let first = guard.map_or(offset.millis, |_| seal::first_of_copies(offset.millis));
        let mut missed = Missed::new(namespace, &session, Offset { millis: first, ..offset });
        let mut seen = Seen::default();
        for _ in 0..STEPS {
            let mut range = cmd("XRANGE");
            range.arg(&stream).arg(behind(missed.position).to_string());
            range.arg("+").arg("COUNT").arg(STEP);
            let found = entries(Box::pin(queries.answer(&range)).await?);
            let is_all = found.len() < STEP;
            for entry in &found {
                let is_admitted = entry.is_admitted(guard, &stream, &mut seen);
                missed.add(entry, is_admitted && entry.offset > offset);
            }
            if missed.bytes > MOST_BYTES {
                return Ok(None);
            }
            if is_all {
                let Missed { events, position, .. } = missed;
                let position = position.max(offset);
                return Ok(Some(RestoredSession { session, missed: events, position }));
            }
        }
        Ok(None)
    }

    /// A client may come back before its session has left the queue.
    async fn until_saved(&self) {
        if self.saving.load(Ordering::Acquire) == 0 {
            return;
        }
        let (done, is_done) = oneshot::channel::<()>();
        let last = Command::new(cmd("PING"), 0).on_reply(Box::new(move |_| drop(done)));
        self.link.publisher().push(last);
        let _closed = tokio::time::timeout(self.link.server().timing().answer, is_done).await;
    }

    fn key(&self, pid: &str) -> String {
        format!("{}{pid}", self.prefix)
    }
}

/// What is found behind a client's offset.
struct Missed<'a> {
    namespace: &'a str,
    rooms: HashSet<&'a str>,
    events: Vec<LoggedEvent>,
    position: Offset,
    bytes: usize,
}

impl<'a> Missed<'a> {
    fn new(namespace: &'a str, session: &'a SavedSession, offset: Offset) -> Self {
        let rooms = session.rooms.iter().map(|room| &**room).collect();
        Self { namespace, rooms, events: Vec::new(), position: offset, bytes: 0 }
    }

    /// `counts`: it is behind the client's offset, and of a node.
    fn add(&mut self, entry: &Entry, counts: bool) {
        self.position = entry.offset;
        if !counts || entry.namespace.as_deref() != Some(self.namespace) || entry.kind != "3" {
            return;
        }
        let Ok(Some(message)) = entry.decode().map(entry::Envelope::into_message) else { return };
        if matches!(&message, Message::Broadcast { options, .. } if options.include(&self.rooms)) {
            self.bytes += entry.data.as_ref().map_or(0, String::len);
            self.events.push(LoggedEvent { offset: entry.offset, message });
        }
    }
}

/// The first place behind one.
const fn behind(offset: Offset) -> Offset {
    match offset.sequence.checked_add(1) {
        Some(sequence) => Offset { millis: offset.millis, sequence },
        None => Offset { millis: offset.millis.saturating_add(1), sequence: 0 },
    }
}
