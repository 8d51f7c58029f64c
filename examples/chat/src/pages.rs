//! The page and the HTTP interface: ordinary routes of the same `App`.

use std::future::ready;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Data, Path, PayloadConfig, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder, Responder};
use serde::Serialize;
use sio_actix::prelude::{EventError, Io};

use crate::chat::{self, Desk};
use crate::cluster::Cluster;
use crate::room::{self, Refusal};

/// Path, content type and content of the page's files.
const FILES: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("../static/index.html")),
    ("/chat.js", "text/javascript; charset=utf-8", include_str!("../static/chat.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../static/style.css")),
];
/// More than the longest text in bytes, so that the refusal can name the length.
const NOTICE_BYTES: usize = 16 * 1024;

/// Adds the routes.
pub(crate) fn routes(config: &mut ServiceConfig) {
    for (path, kind, content) in FILES {
        let file = move || {
            let response = HttpResponse::Ok()
                .insert_header((header::CONTENT_TYPE, kind))
                .insert_header((header::CACHE_CONTROL, "no-cache"))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .body(content);
            ready(response)
        };
        config.service(web::resource(path).get(file));
    }
    config
        .app_data(PayloadConfig::new(NOTICE_BYTES))
        .service(web::resource("/health").get(health))
        .service(web::resource("/api/rooms").get(rooms))
        .service(web::resource("/api/rooms/{room}/notice").post(notice));
}

async fn health() -> impl Responder {
    "ok"
}

async fn rooms(io: Io, desk: Data<Desk>, cluster: Data<Cluster>) -> HttpResponse {
    match desk.run(|rooms| rooms.list()).await {
        Ok(list) => HttpResponse::Ok().json(cluster.add_rooms(&io, list).await),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

/// Emits from an HTTP handler: [`Io`] is an extractor. A real service would ask who is calling.
async fn notice(
    io: Io,
    desk: Data<Desk>,
    cluster: Data<Cluster>,
    room: Path<String>,
    text: String,
) -> HttpResponse {
    let others = match room::name(&room) {
        Ok(name) => cluster.parts(&io, &name).await,
        Err(_) => Vec::new(), // refused below
    };
    let job = move |rooms: &mut _| chat::notice(rooms, &io, &room, &text, &others);
    match desk.run(job).await {
        Ok(Ok(line)) => HttpResponse::Ok().json(line),
        Ok(Err(refusal)) => {
            let status = match refusal {
                Refusal::UnknownRoom => StatusCode::NOT_FOUND,
                _ => StatusCode::BAD_REQUEST,
            };
            failed(status, &refusal.into())
        }
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

/// The form that an ack gives an error.
#[derive(Serialize)]
struct Failure<'a> {
    error: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    message: &'a str,
}

fn failed(status: StatusCode, error: &EventError) -> HttpResponse {
    let reason = Reason { code: error.code(), message: error.message() };
    HttpResponseBuilder::new(status).json(Failure { error: reason })
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use serde_json::{Value, json};
    use sio_actix::Metrics;

    use super::*;

    /// Asks a new server, with Ann in the room `a b/ü`.
    async fn ask(request: TestRequest) -> ServiceResponse {
        let desk = Desk::open("a");
        let metrics = Metrics::default();
        let (io, cluster) = crate::socket_io(&desk, &metrics, None).unwrap();
        let app = App::new().configure(crate::app(&io, &metrics, &desk, cluster));
        let app = init_service(app).await;
        let id = sio_actix::Sid::from_bytes(&[1; 15]);
        let entered = desk.run(move |rooms| rooms.join(&id, "Ann", "a b/ü", &[], 0));
        entered.await.unwrap().unwrap();
        call_service(&app, request.to_request()).await
    }

    async fn json(response: ServiceResponse) -> Value {
        serde_json::from_slice(&read_body(response).await).unwrap()
    }

    fn post(room: &str, text: impl Into<web::Bytes>) -> TestRequest {
        TestRequest::post().uri(&format!("/api/rooms/{room}/notice")).set_payload(text)
    }

    #[actix_web::test]
    async fn a_notice_that_does_not_fit_is_refused() {
        for text in ["", " \n", &"x".repeat(2_001)] {
            let response = ask(post("a%20b%2F%C3%BC", text.to_owned())).await;
            assert_eq!(response.status(), 400);
            assert_eq!(json(response).await["error"]["code"], "invalid_text");
        }
        let response = ask(post("a%20b%2F%C3%BC", "x".repeat(NOTICE_BYTES + 1))).await;
        assert_eq!(response.status(), 413);
        let response = ask(post(&"r".repeat(33), "hello")).await;
        assert_eq!(response.status(), 400);
        assert_eq!(json(response).await["error"]["code"], "invalid_room");
    }

    #[actix_web::test]
    async fn a_notice_to_no_room_is_not_found() {
        let response = ask(post("nowhere", "hello")).await;
        assert_eq!(response.status(), 404);
        assert_eq!(json(response).await["error"]["code"], "unknown_room");
    }

    #[actix_web::test]
    async fn a_notice_is_answered_with_its_line() {
        let response = ask(post("a%20b%2F%C3%BC", " Back at noon\n")).await;
        assert_eq!(response.status(), 200);
        let line = json(response).await;
        assert_eq!(line["text"], "Back at noon");
        assert_eq!(line["system"], true);
    }

    #[actix_web::test]
    async fn the_rooms_are_listed_with_their_members() {
        let response = ask(TestRequest::get().uri("/api/rooms")).await;
        let list = json(response).await;
        assert_eq!(list, json!([{ "room": "a b/ü", "members": 1 }]));
    }

    #[actix_web::test]
    async fn pages_client_and_health_are_served_side_by_side() {
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/chat.js", "text/javascript; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/health", "text/plain; charset=utf-8"),
            ("/health/live", "application/json"),
            ("/health/ready", "application/json"),
            ("/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
            ("/socket.io/socket.io.js", "application/javascript; charset=utf-8"),
        ] {
            let response = ask(TestRequest::get().uri(path)).await;
            assert_eq!(response.status(), 200, "{path}");
            let found = response.headers().get(header::CONTENT_TYPE).unwrap();
            assert_eq!(found, kind, "{path}");
            assert!(!read_body(response).await.is_empty(), "{path}");
        }
    }
}
