//! A client gets its result by an event or by an ack, in the namespace and under the path it names.

use std::time::Duration;

use midway::Answer;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

fn sum_of_one_two_three() -> Answer {
    Answer { name: "harry".to_owned(), result: 6 }
}

#[actix_web::test]
async fn the_result_is_an_event() -> Result<(), ClientError> {
    let srv = TestServer::start(midway::io()).await;
    let client = TestClient::connect(&srv, "/").await?;
    client.emit("myEvent", (1, 2, 3)).await?;
    let data: Answer = client.next("myEventResult").await?;
    assert_eq!(data, sum_of_one_two_three());
    client.close().await;
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn the_result_is_awaited_before_it_is_asked_for() -> Result<(), ClientError> {
    let srv = TestServer::start(midway::io()).await;
    let client = TestClient::connect(&srv, "/").await?;
    let got_event = client.once::<Answer>("myEventResult");
    client.emit("myEvent", (1, 2, 3)).await?;
    assert_eq!(got_event.await?, sum_of_one_two_three());
    client.close().await;
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn the_result_is_an_ack_and_no_event() -> Result<(), ClientError> {
    tokio::time::pause();
    let srv = TestServer::memory(midway::io()).await;
    let client = TestClient::connect(&srv, "/").await?;
    let data: Answer = client.emit_with_ack("myEvent", (1, 2, 3)).await?;
    assert_eq!(data, sum_of_one_two_three());
    client.expect_none_of("myEventResult", Duration::from_secs(1)).await?;
    client.close().await;
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn the_connection_method_runs_for_each_client() -> Result<(), ClientError> {
    let srv = TestServer::memory(midway::io()).await;
    for _ in 0..2 {
        let client = TestClient::connect(&srv, "/").await?;
        assert_eq!(client.next::<String>("welcome").await?, client.id());
    }
    Ok(())
}

#[actix_web::test]
async fn another_namespace_answers_hello_world() -> Result<(), ClientError> {
    let srv = TestServer::memory(midway::io()).await;
    let client = TestClient::connect(&srv, "/test").await?;
    client.emit("myEvent", ()).await?;
    assert_eq!(client.next::<String>("myEventResult").await?, "hello world");
    Ok(())
}

#[actix_web::test]
async fn a_namespace_that_does_not_exist_refuses() {
    let srv = TestServer::memory(midway::io()).await;
    let refused = TestClient::connect(&srv, "/nowhere").await;
    assert_eq!(refused.unwrap_err().to_string(), "connection refused: Invalid namespace");
}

#[actix_web::test]
async fn client_and_server_agree_on_the_path() -> Result<(), ClientError> {
    let srv = TestServer::memory(midway::builder().path("/testPath").build()).await;
    let client = srv.client().path("/testPath").connect().await?;
    let data: Answer = client.emit_with_ack("myEvent", (1, 2, 3)).await?;
    assert_eq!(data, sum_of_one_two_three());
    assert!(TestClient::connect(&srv, "/").await.is_err());
    Ok(())
}
