//! What this node has asked the others and waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use crate::cluster::{ClusterError, Response};

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
    /// How many answers may still come.
    room: usize,
}

/// The requests that wait for answers.
#[derive(Debug)]
pub(super) struct Requests {
    open: Mutex<HashMap<Box<str>, Open, ahash::RandomState>>,
    max: usize,
    max_answers: usize,
}

impl Requests {
    pub(super) fn new(max: usize, max_answers: usize) -> Self {
        Self { open: Mutex::default(), max, max_answers }
    }

    /// Nothing is called under this lock, so a poisoned one is still consistent.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Open, ahash::RandomState>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Gives an answer to the one who waits for it. `false`: there are more than any request has.
    pub(super) fn answer(&self, from: Option<&str>, response: Response) -> bool {
        let news = {
            let mut open = self.lock();
            // It may be late, or for a node that shares the way of answers with this one.
            let Some(open) = open.get_mut(response.request()) else { return true };
            let Some(room) = open.room.checked_sub(1) else { return false };
            open.room = room;
            open.news.clone()
        };
        // Whoever waits is woken where nothing is locked; who has just given up has lost interest.
        let _lost = news.unbounded_send(News::Other(from.map(Into::into), response));
        true
    }
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
                return Err(ClusterError::TooManyRequests { limit: requests.max });
            }
            let entry = Open { news: sender.clone(), room: requests.max_answers };
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
