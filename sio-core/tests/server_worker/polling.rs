//! A client on polling.

use std::sync::Arc;

use bytes::Bytes;
use futures_channel::oneshot;
use sio_core::budget::Share;
use sio_core::server::{Answer, PollReply, PushReply, SessionHandle};

use crate::carrier::Server;

/// A client on polling.
pub(crate) struct Polling {
    pub(crate) server: Server,
    pub(crate) session: Arc<SessionHandle>,
    pub(crate) waiting: Option<Answer<PollReply>>,
}

impl Polling {
    pub(crate) const fn new(server: Server, session: Arc<SessionHandle>) -> Self {
        Self { server, session, waiting: None }
    }

    /// The answer to the waiting poll, or to a new one; `None`: it waits.
    pub(crate) fn poll(&mut self) -> Option<String> {
        if self.waiting.is_none() {
            self.waiting = Some(self.server.worker.poll_session(&self.session));
        }
        self.answer()
    }

    /// The answer to the waiting poll.
    pub(crate) fn answer(&mut self) -> Option<String> {
        self.server.run();
        let answer = poll_answer(self.waiting.as_mut().expect("no poll waits"))?;
        self.waiting = None;
        Some(answer)
    }

    /// The answer to a push; `None`: it waits.
    pub(crate) fn push(&mut self, body: &str) -> Option<String> {
        let mut reply = self.start_push(body);
        self.server.run();
        push_answer(&mut reply)
    }

    pub(crate) fn start_push(&mut self, body: &str) -> Answer<PushReply> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.server.worker.push(&self.session, body, false, Share::default())
    }
}

pub(crate) fn poll_answer(reply: &mut Answer<PollReply>) -> Option<String> {
    Some(match reply.try_recv() {
        Ok(None) => return None,
        Ok(Some(PollReply::Payload(payload))) => payload.as_str().to_owned(),
        Ok(Some(PollReply::Refused(error))) => format!("refused {}", error.code()),
        Ok(Some(PollReply::Overlap)) => "overlap".to_owned(),
        Err(oneshot::Canceled) => "gone".to_owned(),
    })
}

pub(crate) fn push_answer(reply: &mut Answer<PushReply>) -> Option<String> {
    Some(match reply.try_recv() {
        Ok(None) => return None,
        Ok(Some(PushReply::Ok)) => "ok".to_owned(),
        Ok(Some(PushReply::Refused(error))) => format!("refused {}", error.code()),
        Ok(Some(PushReply::Invalid)) => "invalid".to_owned(),
        Ok(Some(PushReply::Exhausted)) => "exhausted".to_owned(),
        Err(oneshot::Canceled) => "gone".to_owned(),
    })
}
