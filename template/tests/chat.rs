//! Clients that say what they expect; every wait of theirs has a deadline.

use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

use {{crate_name}}::{routes, socket_io};

async fn server() -> TestServer {
    TestServer::builder(socket_io())
        .routes(routes)
        .memory()
        .await
}

#[actix_web::test]
async fn a_text_without_words_is_refused() -> Result<(), ClientError> {
    let srv = server().await;
    let ada = TestClient::connect(&srv, "/").await?;
    let refused = ada.emit_with_ack::<()>("say", " ").await.unwrap_err();
    assert_eq!(refused.code(), Some("empty"));
    Ok(())
}

#[actix_web::test]
async fn a_client_is_greeted() -> Result<(), ClientError> {
    let srv = server().await;
    let ada = TestClient::connect(&srv, "/").await?;
    assert_eq!(
        ada.emit_with_ack::<String>("hello", "Ada").await?,
        "hello, Ada"
    );
    // Fails if a session, a room or an ack is left behind.
    ada.close().await;
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn everybody_hears_what_one_says() -> Result<(), ClientError> {
    let srv = server().await;
    let ada = TestClient::connect(&srv, "/").await?;
    let bob = TestClient::connect(&srv, "/").await?;
    ada.emit("say", "good morning").await?;
    for client in [&ada, &bob] {
        assert_eq!(client.next::<String>("said").await?, "good morning");
    }
    Ok(())
}

#[actix_web::test]
async fn everybody_hears_what_is_posted() -> Result<(), ClientError> {
    let srv = server().await;
    let ada = TestClient::connect(&srv, "/").await?;
    assert_eq!(srv.post("/say", "good evening").await.0, 204);
    assert_eq!(ada.next::<String>("said").await?, "good evening");
    Ok(())
}
