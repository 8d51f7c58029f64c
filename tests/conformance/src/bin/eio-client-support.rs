//! Program D: the server that the tests of the Engine.IO JavaScript client talk to.
//!
//! `cargo run -p conformance --bin eio-client-support -- --port 3000`

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderValue, HttpDate, SET_COOKIE};
use bytes::Bytes;
use conformance::{Flags, SUITE_WORKERS, serve};
use sio_actix::core::close::CloseReason;
use sio_actix::core::engine::handshake::EngineQuery;
use sio_actix::{EngineHandler, EngineSocket, Forbidden, Io, Pass};

const UTF8: &str = "пойду спать всем спокойной ночи";

/// The headers of each session's last push, as JSON.
#[derive(Clone, Default)]
struct Pushes(Arc<Mutex<HashMap<String, String>>>);

impl Pushes {
    /// Remembers the headers of a push; only for sessions that are open.
    fn note(&self, request: &HttpRequest) {
        let query = EngineQuery::parse(request.query_string());
        let mut pushes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if request.method() == Method::POST
            && let Some(noted) = query.sid.and_then(|sid| pushes.get_mut(&*sid))
        {
            let headers: serde_json::Map<String, serde_json::Value> = request
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
                .collect();
            *noted = serde_json::Value::Object(headers).to_string();
        }
    }

    fn of(&self, session: &EngineSocket) -> Option<String> {
        let pushes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pushes.get(session.id().as_str()).cloned()
    }
}

struct Support(Pushes);

impl EngineHandler for Support {
    fn opened(&self, session: &EngineSocket) {
        let mut pushes = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        pushes.insert(session.id().to_string(), "{}".to_owned());
        drop(pushes);
        session.send_text("hi");
    }

    fn text(&self, session: &EngineSocket, text: &str) {
        match text {
            "give binary" => session.send_binary(Bytes::from_static(&[0, 1, 2, 3, 4])),
            "give utf8" => session.send_text(UTF8),
            "sendHeaders" => session.send_text(&self.0.of(session).unwrap_or_default()),
            other => session.send_text(other),
        }
    }

    fn binary(&self, session: &EngineSocket, bytes: Bytes) {
        session.send_binary(bytes);
    }

    fn closed(&self, session: &EngineSocket, _reason: CloseReason) {
        let mut pushes = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        pushes.remove(session.id().as_str());
    }
}

/// The cookies that the tests look for.
fn cookies(headers: &mut HeaderMap) {
    let now = HttpDate::from(SystemTime::now());
    for cookie in [
        "1=1; Max-Age=86400".to_owned(),
        "2=2; Path=/; HttpOnly; Secure; SameSite=Strict".to_owned(),
        "3=3; Max-Age=0".to_owned(),
        format!("4=4; Expires={now}"),
    ] {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.append(SET_COOKIE, value);
        }
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse(&["--port", "--workers"])?;
    let pushes = Pushes::default();
    let io = Io::engine(Support(pushes.clone()))
        .ping_interval(Duration::from_millis(500))
        .max_payload(100)
        .engine_middleware(async move |request: HttpRequest| {
            pushes.note(&request);
            Ok::<_, std::convert::Infallible>(Pass::next())
        })
        .allow_request(async |handshake| match handshake.query_value("deny") {
            Some(_) => Err(Forbidden::default()),
            None => Ok(()),
        })
        .initial_headers(|headers, _| cookies(headers))
        .build();
    serve(io, flags.number("--port", 3000)?, flags.number("--workers", SUITE_WORKERS)?).await
}
