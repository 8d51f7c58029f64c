//! Who left which namespace, and why.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use sio_actix::EmitError;
use sio_actix::prelude::*;

/// Where each record is announced.
pub(crate) const WATCH: &str = "/watch";
/// Records kept; the oldest go first.
const KEPT: usize = 10_000;

/// One stage of the end of one socket.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    ns: String,
    id: String,
    stage: &'static str,
    reason: &'static str,
    rooms: Vec<String>,
}

/// All records of the process, in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<VecDeque<Record>>);

impl Records {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        socket: &Socket,
        stage: &'static str,
        reason: DisconnectReason,
    ) -> Result<(), EmitError> {
        let record = Record {
            ns: socket.namespace().path().to_owned(),
            id: socket.id().as_str().to_owned(),
            stage,
            reason: reason.as_str(),
            rooms: sorted(socket.rooms().iter().map(ToString::to_string).collect()),
        };
        {
            let mut records = self.lock();
            if records.len() == KEPT {
                records.pop_front();
            }
            records.push_back(record.clone());
        }
        socket.io().of(WATCH).emit("gone", record)
    }

    /// The records of a socket, or all.
    pub(crate) fn of(&self, id: Option<&str>) -> Vec<Record> {
        self.lock().iter().filter(|record| id.is_none_or(|id| record.id == id)).cloned().collect()
    }
}

/// Records the end of every socket of a namespace.
pub(crate) fn register(ns: &mut NamespaceBuilder, records: &Arc<Records>) {
    let list = Arc::clone(records);
    ns.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
        list.add(&socket, "disconnecting", reason)
    });
    let list = Arc::clone(records);
    ns.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        list.add(&socket, "disconnect", reason)
    });
}

/// Names in the order JavaScript sorts them in: by UTF-16 code unit.
pub(crate) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    names
}
