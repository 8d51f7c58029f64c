//! HTTP routes of the same app.

use actix_web::{HttpResponse, web};
use sio_actix::Io;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

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
        client.close().await;
        srv.stop().await;
    }
    Ok(())
}
