//! HTTP long-polling: a GET waits for output, a POST brings input.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use futures_core::Stream as _;
use sio_core::budget::{Budget, Share};
use sio_core::engine::{HandshakeError, Revision};
use sio_core::limits::Limit;
use sio_core::server::{Answer, PollReply, PushReply, SessionHandle, Worker};
use tokio::time::timeout;

use crate::http::answers::Answers;
use crate::http::jsonp;
use crate::server::watch_answer;

type Ended = futures_channel::oneshot::Receiver<()>;

/// How long the body of a push may take when its session has ended: what it can still say is short.
const GOODBYE_TIME: Duration = Duration::from_secs(1);
/// How long a 413 has to reach the client before its session ends; well below any ping timeout, so that the
/// session ends for its own reason.
const REFUSAL_TIME: Duration = Duration::from_millis(200);

/// A GET that waits; dropping it tells the session that its connection is gone.
struct PendingPoll<'a> {
    worker: &'a Worker,
    session: &'a Arc<SessionHandle>,
    reply: Answer<PollReply>,
    answered: bool,
}

impl Drop for PendingPoll<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        self.reply.close();
        // An answer that was sent but never taken is lost with the connection.
        let lost = match self.reply.try_recv() {
            Ok(Some(PollReply::Payload(payload))) => says_something(&payload),
            _ => false,
        };
        self.worker.poll_lost(self.session, lost);
    }
}

/// A lone noop says nothing, and nobody misses it.
fn says_something(payload: &sio_core::engine::Payload) -> bool {
    !matches!(payload.as_str(), "6" | "1:6")
}

/// Answers a GET as soon as there is something to say; `first`: it opened the session.
pub(crate) async fn poll(
    worker: &Rc<Worker>,
    session: &Arc<SessionHandle>,
    answers: &Answers,
    request: &HttpRequest,
    first: bool,
) -> Result<HttpResponse, HandshakeError> {
    let reply = worker.poll_session(session);
    let mut pending = PendingPoll { worker, session, reply, answered: false };
    let reply = (&mut pending.reply).await;
    pending.answered = true;
    match reply {
        Ok(PollReply::Payload(payload)) => {
            if says_something(&payload) {
                watch_answer(request, worker, session);
            }
            Ok(answers.payload(payload, request, session, first))
        }
        Ok(PollReply::Refused(error)) => Err(error),
        Ok(PollReply::Overlap) => Ok(HttpResponse::BadRequest().finish()),
        Err(_gone) => Err(HandshakeError::UnknownSid),
    }
}

/// A POST that holds the session's input; dropping it before its body is complete ends the session.
struct IncomingPush<'a> {
    worker: &'a Worker,
    session: &'a Arc<SessionHandle>,
    /// What the session is told if this is dropped now.
    failure: Option<&'static str>,
    /// The input stays held: nothing that comes later is taken.
    holds_on: bool,
}

impl Drop for IncomingPush<'_> {
    fn drop(&mut self) {
        if !self.holds_on {
            self.session.end_push();
        }
        if let Some(detail) = self.failure {
            self.worker.push_failed(self.session, detail);
        }
    }
}

/// Ends a session whose push was too large, unless it ends by itself in time.
///
/// The status tells the client why, and its waiting poll would bring the end on another connection,
/// perhaps sooner.
async fn end_later(worker: Rc<Worker>, session: Arc<SessionHandle>, ended: Ended) {
    if timeout(REFUSAL_TIME, ended).await.is_err() {
        worker.push_failed(&session, "payload too large");
    }
}

/// Reads a POST and hands its packets to the session.
pub(crate) async fn push(
    worker: &Rc<Worker>,
    session: &Arc<SessionHandle>,
    answers: &Answers,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<HttpResponse, HandshakeError> {
    let binary = has_content_type(request, "application/octet-stream");
    if binary && session.revision() == Revision::V4 {
        worker.push_failed(session, "invalid content");
        return Ok(closing(StatusCode::BAD_REQUEST));
    }
    if is_encoded(request) {
        return Ok(closing(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    if !session.begin_push() {
        worker.push_failed(session, "data request overlap from client");
        return Ok(closing(StatusCode::BAD_REQUEST));
    }
    let mut incoming = IncomingPush {
        worker,
        session,
        failure: Some("data request connection closed prematurely"),
        holds_on: false,
    };
    let limits = worker.hub().limits();
    // What middleware has replaced, and HTTP/2, wake whoever waits.
    let fed = matches!(payload, Payload::H1 { .. });
    let body = {
        let budget = worker.hub().pending_input();
        let mut body = pin!(read_body(request, payload, limits.max_payload, budget));
        let together = if fed { arrived(worker, body.as_mut()).await } else { None };
        match together {
            Some(body) => Some(Ok(body)),
            None => tokio::select! {
                biased;
                body = timeout(limits.body_timeout, body.as_mut()) => Some(body),
                // The client may be saying goodbye.
                _ = session.push_ended() => timeout(GOODBYE_TIME, body).await.ok().map(Ok),
            },
        }
    };
    let Some(body) = body else {
        incoming.failure = None;
        return Ok(closing(StatusCode::BAD_REQUEST));
    };
    let (body, share) = match body {
        Ok(Ok(whole)) => whole,
        Ok(Err(BodyError::TooLarge)) => {
            worker.hub().count_limit(Limit::MaxPayload);
            incoming.failure = None;
            incoming.holds_on = true;
            let ended = session.push_ended();
            actix_rt::spawn(end_later(Rc::clone(worker), Arc::clone(session), ended));
            return Ok(closing(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Ok(Err(BodyError::Exhausted)) => {
            worker.hub().count_limit(Limit::MaxPendingInput);
            incoming.failure = Some("too much unfinished input");
            return Ok(closing(StatusCode::SERVICE_UNAVAILABLE));
        }
        Ok(Err(BodyError::Broken)) => return Ok(closing(StatusCode::BAD_REQUEST)),
        Err(_elapsed) => {
            worker.hub().count_limit(Limit::BodyTimeout);
            incoming.failure = Some("data request took too long");
            return Ok(closing(StatusCode::REQUEST_TIMEOUT));
        }
    };
    incoming.failure = None;
    // The client that reads scripts writes forms.
    let body = if session.jsonp().is_some() { jsonp::payload(&body) } else { body };
    match worker.push(session, body, binary, share).await {
        Ok(PushReply::Ok) => Ok(answers.ok(request)),
        Ok(PushReply::Refused(error)) => Err(error),
        Ok(PushReply::Invalid) => Ok(HttpResponse::BadRequest().finish()),
        Ok(PushReply::Exhausted) => Ok(HttpResponse::ServiceUnavailable().finish()),
        Err(_gone) => Err(HandshakeError::UnknownSid),
    }
}

/// What a body that comes together with its head leads to; `None`: it takes time.
///
/// actix polls a request once before it feeds what it has of the body, and again when it has: nobody needs to
/// be woken, and the task has no turn in vain behind the answer. Something between may poll this only when it
/// was woken, so it is, when others have had their turn; as a rule the answer is there before.
async fn arrived<F: Future>(worker: &Worker, mut body: Pin<&mut F>) -> Option<F::Output> {
    let mut silent = Context::from_waker(Waker::noop());
    if let Poll::Ready(body) = body.as_mut().poll(&mut silent) {
        return Some(body);
    }
    let mut unfed = None;
    poll_fn(|cx| {
        if unfed.is_none() {
            unfed = Some(worker.wake_later(cx.waker()));
            return Poll::Pending;
        }
        match body.as_mut().poll(&mut silent) {
            Poll::Ready(body) => Poll::Ready(Some(body)),
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}

/// An answer to a request whose body was not read to its end.
fn closing(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).force_close().finish()
}

fn has_content_type(request: &HttpRequest, expected: &str) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return false };
    value.as_bytes().trim_ascii().split_at_checked(expected.len()).is_some_and(|(kind, rest)| {
        // Parameters may follow.
        kind.eq_ignore_ascii_case(expected.as_bytes())
            && rest.trim_ascii_start().first().is_none_or(|byte| *byte == b';')
    })
}

fn is_encoded(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

enum BodyError {
    TooLarge,
    /// All clients together have too much unfinished.
    Exhausted,
    Broken,
}

/// Reads the raw body, and gives it with its part in the budget; extractors of the framework would inflate it and
/// know other limits.
async fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    budget: &Arc<Budget>,
) -> Result<(Bytes, Share), BodyError> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit as u64) {
        return Err(BodyError::TooLarge);
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut share = Share::default();
    while let Some(chunk) = poll_fn(|cx| Pin::new(&mut *payload).poll_next(cx)).await {
        let Ok(chunk) = chunk else {
            return Err(BodyError::Broken);
        };
        if first.len() + rest.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        share
            .hold(budget, first.len() + rest.len() + chunk.len())
            .map_err(|_exhausted| BodyError::Exhausted)?;
        // Most bodies come in one piece, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
        } else {
            if !first.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&chunk);
        }
    }
    Ok((if rest.is_empty() { first } else { rest.freeze() }, share))
}
