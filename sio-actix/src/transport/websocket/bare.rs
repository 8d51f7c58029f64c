//! A WebSocket without Engine.IO over the same carriers, for tests of the frames.

use std::rc::Rc;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use actix_web::dev::Payload;
use actix_web::{HttpRequest, HttpResponse};
use sio_core::engine::{ProbeReply, Transport};
use sio_core::server::{Handshake, HandshakeParts, Opening, Worker};

use super::{Mode, Protocol, accept, finish};

/// Answers 101 with a session that has nothing to say by itself.
///
/// An upgrade is how a WebSocket begins without an open packet; the poll before it takes that.
pub(crate) async fn carry_bare(
    worker: &Rc<Worker>,
    request: &HttpRequest,
    payload: Payload,
) -> HttpResponse {
    let compresses = worker.hub().engine_config().per_message_deflate.is_some();
    let accepted = match accept(request, compresses) {
        Ok(accepted) => accepted,
        Err(refusal) => return *refusal,
    };
    let handshake = Handshake::new(&HandshakeParts {
        headers: &[],
        url: "/",
        address: None,
        secure: false,
        time: UNIX_EPOCH,
    });
    let Ok(connection) = worker.open(Opening::new(handshake, Transport::Polling)) else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let session = Arc::clone(connection.handle());
    let opened = worker.poll_session(&session).await;
    let claimed = session.claim_websocket() && worker.probe_opened(&connection);
    let deflate = accepted.deflate();
    let probe = |text| worker.probe_frame(&connection, text, false, deflate);
    let probed = probe("2probe") == ProbeReply::Pong && probe("5") == ProbeReply::Upgraded;
    if opened.is_err() || !claimed || !probed {
        return HttpResponse::InternalServerError().finish();
    }
    let protocol = Protocol::new(Rc::clone(worker), connection, Mode::Session, deflate).bare();
    finish(&accepted, protocol, request, payload).await
}
