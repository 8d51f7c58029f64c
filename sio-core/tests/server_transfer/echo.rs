//! A log that all nodes share, of which this server is the only one: what is said comes back at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_core::cluster::{
    Adapter, BoxFuture, ClusterError, EventLog, LoggedEvent, Message, Node, Offset, Response,
    RestoredSession, SavedSession,
};

#[derive(Default)]
struct State {
    node: Option<Arc<dyn Node>>,
    entries: Vec<(Offset, Message)>,
}

/// The log and its sessions.
#[derive(Default)]
pub(crate) struct Echo {
    /// Locked while an entry is handed over: the order of the log is the order of the calls.
    state: Arc<Mutex<State>>,
    sessions: Arc<Mutex<HashMap<String, SavedSession>>>,
}

fn restore(state: &Mutex<State>, session: SavedSession, known: Offset) -> Option<RestoredSession> {
    let state = state.lock().unwrap();
    let place = state.entries.iter().position(|(offset, _)| *offset == known)?;
    let rooms = session.rooms.iter().map(|room| &**room).collect();
    let behind = state.entries[place + 1..].iter().filter_map(|(offset, message)| match message {
        Message::Broadcast { options, .. } if options.include(&rooms) => {
            Some(LoggedEvent { offset: *offset, message: message.clone() })
        }
        _ => None,
    });
    let missed = behind.collect();
    let position = state.entries.last()?.0;
    Some(RestoredSession { session, missed, position })
}

impl EventLog for Echo {
    fn append(&self, namespace: &str, message: Message) {
        let mut state = self.state.lock().unwrap();
        let offset = Offset {
            millis: state.entries.len() as u64 / 2 + 1,
            sequence: state.entries.len() as u64 % 2,
        };
        state.entries.push((offset, message.clone()));
        let node = state.node.clone().unwrap();
        node.receive_logged(namespace, node.id(), offset, message);
    }

    fn save(&self, _namespace: &str, session: SavedSession, _keep: Duration) {
        self.sessions.lock().unwrap().insert(session.pid.to_string(), session);
    }

    fn restore(
        &self,
        _namespace: &str,
        pid: &str,
        offset: Offset,
    ) -> BoxFuture<Option<RestoredSession>> {
        let (state, sessions) = (Arc::clone(&self.state), Arc::clone(&self.sessions));
        let pid = pid.to_owned();
        Box::pin(async move {
            let session = sessions.lock().unwrap().remove(&pid)?;
            restore(&state, session, offset)
        })
    }
}

impl Adapter for Echo {
    fn start(&self, node: Arc<dyn Node>) {
        self.state.lock().unwrap().node = Some(node);
    }

    fn open(&self, _namespace: &str) {}

    fn close(&self, _namespace: &str) {}

    fn publish(&self, _namespace: &str, _message: Message) {}

    fn respond(&self, _namespace: &str, _to: &str, _response: Response) {}

    fn node_count(&self, _namespace: &str) -> BoxFuture<Result<usize, ClusterError>> {
        Box::pin(async { Ok(1) })
    }

    fn nodes(&self, _namespace: &str) -> BoxFuture<Result<Vec<String>, ClusterError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }

    fn ready(&self) -> BoxFuture<Result<(), ClusterError>> {
        Box::pin(async { Ok(()) })
    }

    fn stop(&self) -> BoxFuture<()> {
        Box::pin(async {})
    }

    fn event_log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }
}
