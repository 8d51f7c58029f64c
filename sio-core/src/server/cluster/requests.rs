//! What this node has asked the others and waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use serde_json::Value;

use crate::adapter::Room;
use crate::cluster::{ClusterError, Data, Response};
use crate::limits::{Limit, Limits};

use super::super::broadcast_ack::Heard;
use super::super::hub::Hub;
use super::hex;

/// Something that a request has brought.
#[derive(Debug)]
pub(super) enum News {
    /// From this node's own sockets.
    Own(Heard),
    /// From another node, which may have told its name.
    Other(Option<Box<str>>, Response),
}

#[derive(Debug)]
struct Open {
    news: UnboundedSender<News>,
    /// How many answers may still come, and how many bytes.
    room: usize,
    bytes: usize,
}

/// The requests that wait for answers.
#[derive(Debug)]
pub(super) struct Requests {
    open: Mutex<HashMap<Box<str>, Open, ahash::RandomState>>,
    max: usize,
    max_answers: usize,
    max_bytes: usize,
}

impl Requests {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            open: Mutex::default(),
            max: limits.max_cluster_requests,
            max_answers: limits.max_cluster_answers,
            max_bytes: limits.max_cluster_answer_bytes,
        }
    }

    /// Nothing is called under this lock, so a poisoned one is still consistent.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Open, ahash::RandomState>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Gives an answer to the one who waits for it.
    ///
    /// # Errors
    ///
    /// There are more than any request has; the limit.
    pub(super) fn answer(&self, from: Option<&str>, response: Response) -> Result<(), Limit> {
        let weight = weight(&response);
        let news = {
            let mut open = self.lock();
            // It may be late, or for a node that shares the way of answers with this one.
            let Some(open) = open.get_mut(response.request()) else { return Ok(()) };
            let room = open.room.checked_sub(1).ok_or(Limit::MaxClusterAnswers)?;
            let bytes = open.bytes.checked_sub(weight).ok_or(Limit::MaxClusterAnswerBytes)?;
            (open.room, open.bytes) = (room, bytes);
            open.news.clone()
        };
        // Whoever waits is woken where nothing is locked; who has just given up has lost interest.
        let _lost = news.unbounded_send(News::Other(from.map(Into::into), response));
        Ok(())
    }
}

/// What each part of an answer costs beside its text.
const OVERHEAD: usize = 32;

/// About how many bytes an answer takes.
fn weight(response: &Response) -> usize {
    OVERHEAD
        + match response {
            Response::Sockets { sockets, .. } => sockets
                .iter()
                .map(|socket| {
                    OVERHEAD
                        + names_weight(&socket.rooms)
                        + value_weight(&socket.handshake)
                        + value_weight(&socket.data)
                })
                .sum(),
            Response::ServerSide { value, .. } | Response::Ack { value, .. } => {
                value.as_ref().map_or(0, data_weight)
            }
            Response::Rooms { rooms, .. } => names_weight(rooms),
            Response::Ids { ids, .. } => ids.iter().map(|id| OVERHEAD + id.len()).sum(),
            Response::ClientCount { .. } | Response::Done { .. } | Response::Unreadable { .. } => 0,
        }
}

fn names_weight(rooms: &[Room]) -> usize {
    rooms.iter().map(|room| OVERHEAD + room.len()).sum()
}

fn data_weight(data: &Data) -> usize {
    let attachments = data.attachments.iter().map(|bytes| OVERHEAD + bytes.len());
    data.json.len() + attachments.sum::<usize>()
}

/// Not recursive: how deep a value is, an adapter decides.
fn value_weight(value: &Value) -> usize {
    let (mut bytes, mut rest) = (0, vec![value]);
    while let Some(value) = rest.pop() {
        bytes += OVERHEAD;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => rest.extend(items),
            Value::Object(map) => {
                bytes += map.keys().map(|key| OVERHEAD + key.len()).sum::<usize>();
                rest.extend(map.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    bytes
}

/// A request that waits for answers; they are ignored once it is dropped.
#[derive(Debug)]
pub(super) struct Request {
    hub: Arc<Hub>,
    id: Box<str>,
    news: UnboundedReceiver<News>,
    sender: UnboundedSender<News>,
}

impl Request {
    /// # Errors
    ///
    /// As many as may be wait already.
    pub(super) fn open(hub: &Arc<Hub>) -> Result<Self, ClusterError> {
        let (sender, news) = unbounded();
        let id: Box<str> = hex(&*hub.sids).into();
        if let Some(cluster) = &hub.cluster {
            let requests = &cluster.requests;
            let mut open = requests.lock();
            if open.len() >= requests.max {
                hub.count_limit(Limit::MaxClusterRequests);
                return Err(ClusterError::TooManyRequests { limit: requests.max });
            }
            let (room, bytes) = (requests.max_answers, requests.max_bytes);
            let entry = Open { news: sender.clone(), room, bytes };
            open.insert(id.clone(), entry);
        }
        Ok(Self { hub: Arc::clone(hub), id, news, sender })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What answers to the request come by.
    pub(super) const fn sender(&self) -> &UnboundedSender<News> {
        &self.sender
    }

    pub(super) const fn news(&mut self) -> &mut UnboundedReceiver<News> {
        &mut self.news
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if let Some(cluster) = &self.hub.cluster {
            let closed = cluster.requests.lock().remove(&self.id);
            drop(closed);
        }
    }
}
