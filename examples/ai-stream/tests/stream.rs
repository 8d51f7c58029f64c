//! The article's client, played by the Rust one.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::rt::time::Instant;
use actix_web::{App, HttpResponse, HttpServer, web};
use ai_stream::{Info, Model, Section, Task, socket_io};
use serde_json::{Value, json};
use sio_client::test::{TestClient, TestServer};

const TOKEN: &str = "demo-token";

fn task() -> Task {
    let section = Section {
        header: "Tea".to_owned(),
        keypoint: "the water".to_owned(),
        paragraph_instruction: "briefly".to_owned(),
        ..Section::default()
    };
    let hidden = Section { header: "Notes".to_owned(), no_output: true, ..Section::default() };
    let info =
        Info { title: "Drinks".to_owned(), outline: vec![section, hidden], ..Info::default() };
    Task { task_id: 123, info }
}

async fn server(model: Model) -> TestServer {
    TestServer::memory(socket_io(model, TOKEN.to_owned())).await
}

async fn client(srv: &TestServer) -> TestClient {
    let token = json!({ "token": TOKEN });
    srv.client().namespace("/chat").auth(token).connect().await.unwrap()
}

#[actix_web::test]
async fn a_wrong_token_is_refused_whichever_way_it_comes() {
    let srv = server(Model::built_in()).await;
    for token in ["", "demo-toke", "demo-tokenn", "Demo-token"] {
        let auth = srv.client().namespace("/chat").auth(json!({ "token": token })).connect().await;
        assert!(auth.unwrap_err().to_string().contains("unauthorized"), "{token}");
        let header =
            srv.client().namespace("/chat").header("Authorization", format!("Bearer {token}"));
        let header = header.connect().await;
        assert!(header.unwrap_err().to_string().contains("unauthorized"), "{token}");
    }
    let header = srv.client().namespace("/chat").header("Authorization", "Bearer demo-token");
    header.connect().await.unwrap();
}

#[actix_web::test]
async fn words_come_one_by_one_and_the_ack_counts_them() {
    tokio::time::pause();
    let srv = server(Model::built_in()).await;
    let client = client(&srv).await;
    let mut words = client.stream::<Value>("estimate_response");
    let done = client.emit_with_ack::<Value>("estimate", task());
    let read = async {
        let (mut text, mut last) = (String::new(), Instant::now());
        while !text.ends_with("briefly.") {
            let word = words.next().await.unwrap();
            assert_eq!(word["task_id"], 123);
            assert!(last.elapsed() >= Duration::from_millis(39), "two words at once");
            last = Instant::now();
            text.push_str(word["data"].as_str().unwrap());
        }
        text
    };
    let (done, text) = futures_util::join!(done, read);
    assert_eq!(text, "Drinks. Tea: what matters here is the water, told briefly.");
    let done = done.unwrap();
    assert_eq!(done, json!({ "task_id": 123, "pieces": 10, "cancelled": false }));
}

#[actix_web::test]
async fn the_stop_button_stops() {
    tokio::time::pause();
    let srv = server(Model::built_in()).await;
    let client = client(&srv).await;
    let done = client.emit_with_ack::<Value>("estimate", task());
    let stop = async {
        client.next::<Value>("estimate_response").await.unwrap();
        client.emit_with_ack::<()>("cancel", ()).await.unwrap();
    };
    let (done, ()) = futures_util::join!(done, stop);
    assert_eq!(done.unwrap()["cancelled"], true);
    client.expect_none_of("estimate_response", Duration::from_secs(5)).await.unwrap();
}

#[actix_web::test]
async fn words_that_were_missed_come_after_the_connection_does() {
    let srv = server(Model::built_in()).await;
    let token = json!({ "token": TOKEN });
    let client =
        srv.client().namespace("/chat").auth(token).reconnect(true).connect().await.unwrap();
    let mut words = client.stream::<Value>("estimate_response");
    client.emit("estimate", task()).await.unwrap();
    let mut text = words.next().await.unwrap()["data"].as_str().unwrap().to_owned();
    client.cut();
    let mut index = 0;
    while !text.ends_with("briefly.") {
        let word = words.next().await.unwrap();
        index += 1;
        assert_eq!(word["index"], index, "a word is missing, or came twice");
        text.push_str(word["data"].as_str().unwrap());
    }
    assert_eq!(text, "Drinks. Tea: what matters here is the water, told briefly.");
}

/// An interface like OpenAI's on a free port, which answers with a body.
async fn provider(body: &'static str) -> (String, actix_web::dev::ServerHandle) {
    let server = HttpServer::new(move || {
        let answer = web::post().to(async move || {
            HttpResponse::Ok().insert_header(("content-type", "text/event-stream")).body(body)
        });
        App::new().route("/v1/chat/completions", answer)
    });
    let server = server.workers(1).bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v1", server.addrs().first().unwrap());
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (url, handle)
}

#[actix_web::test]
async fn a_model_behind_http_is_read_as_it_speaks() {
    let (url, provider) = provider(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n: a comment\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\r\n\ndata: {\"choices\":[]}\n\ndata: [DONE]\n\n",
    )
    .await;
    let srv = server(Model::remote(url, String::new(), "any".to_owned())).await;
    let client = client(&srv).await;
    let done = client.emit_with_ack::<Value>("estimate", task()).await.unwrap();
    assert_eq!(done["pieces"], 2);
    assert_eq!(client.next::<Value>("estimate_response").await.unwrap()["data"], "Hel");
    assert_eq!(client.next::<Value>("estimate_response").await.unwrap()["data"], "lo");
    provider.stop(false).await;
}

#[actix_web::test]
async fn what_a_model_does_wrong_is_no_business_of_clients() {
    let (url, provider) = provider("data: {broken\n\n").await;
    let srv = server(Model::remote(url, String::new(), "any".to_owned())).await;
    let client = client(&srv).await;
    let error = client.emit_with_ack::<Value>("estimate", task()).await.unwrap_err().to_string();
    assert!(error.starts_with("internal") && !error.contains("broken"), "{error}");
    provider.stop(false).await;
}
