//! HTTP routes of the same app.

use actix_web::{HttpResponse, web};
use sio_actix::Io;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

/// Reads nothing of the body: actix-web closes the connection with the answer.
async fn refused() -> HttpResponse {
    HttpResponse::Forbidden().body("no")
}

fn routes(config: &mut web::ServiceConfig) {
    config.route("/hello", web::get().to(|| async { HttpResponse::Ok().body("hello") })).route(
        "/say",
        web::post().to(|io: Io, text: String| async move {
            match io.emit("said", text) {
                Ok(()) => HttpResponse::Accepted().finish(),
                Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
            }
        }),
    );
    config.route(
        "/sum",
        web::post()
            .to(|web::Json((a, b)): web::Json<(i64, i64)>| async move { (a + b).to_string() }),
    );
}

#[actix_web::test]
async fn routes_emit_to_clients_on_both_back_ends() -> Result<(), ClientError> {
    for port in [true, false] {
        let io = Io::builder().namespace("/", |_| {}).build();
        let builder = TestServer::builder(io).workers(2).routes(routes);
        let srv = if port { builder.start().await } else { builder.memory().await };
        assert_eq!(srv.get("/hello").await, (200, "hello".to_owned()));
        assert_eq!(srv.get("/nothing").await.0, 404);
        let client = TestClient::connect(&srv, "/").await?;
        assert_eq!(srv.post("/say", "é").await, (202, String::new()));
        assert_eq!(client.next::<String>("said").await?, "é");
        assert_eq!(srv.post_json("/sum", (1, 2)).await, (200, "3".to_owned()));
        client.close().await;
        srv.stop().await;
    }
    Ok(())
}

#[actix_web::test]
async fn answer_that_closes_the_connection_is_not_lost() {
    for port in [true, false] {
        let io = Io::builder().namespace("/", |_| {}).build();
        let builder = TestServer::builder(io)
            .routes(|config| _ = config.route("/refused", web::post().to(refused)));
        let srv = if port { builder.start().await } else { builder.memory().await };
        for _ in 0..20 {
            assert_eq!(srv.post("/refused", "body").await, (403, "no".to_owned()));
        }
        srv.stop().await;
    }
}
