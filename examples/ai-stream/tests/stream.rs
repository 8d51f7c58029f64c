//! The page, played by the Rust client.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use ai_stream::{Info, Model, Section, Task, socket_io};
use serde_json::{Value, json};
use sio_client::test::{TestClient, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};

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

/// One that takes minutes.
fn long_task() -> Task {
    let info = Info { title: "Drinks ".repeat(10_000), ..Info::default() };
    Task { task_id: 456, info }
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
async fn a_server_without_a_token_lets_nobody_in() {
    let srv = TestServer::memory(socket_io(Model::built_in(), String::new())).await;
    for auth in [json!({}), json!({ "token": "" }), json!({ "token": "Bearer " })] {
        let client = srv.client().namespace("/chat").auth(auth).connect().await;
        assert!(client.unwrap_err().to_string().contains("unauthorized"));
    }
}

#[actix_web::test]
async fn words_come_one_by_one_and_the_ack_counts_them() {
    time::pause();
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
    let (done, text) = tokio::join!(done, read);
    assert_eq!(text, "Drinks. Tea: what matters here is the water, told briefly.");
    let done = done.unwrap();
    assert_eq!(done, json!({ "task_id": 123, "pieces": 10, "cancelled": false }));
}

#[actix_web::test]
async fn the_stop_button_stops() {
    time::pause();
    let srv = server(Model::built_in()).await;
    let client = client(&srv).await;
    let done = client.emit_with_ack::<Value>("estimate", task());
    let stop = async {
        client.next::<Value>("estimate_response").await.unwrap();
        client.emit_with_ack::<()>("cancel", ()).await.unwrap();
    };
    let (done, ()) = tokio::join!(done, stop);
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

#[actix_web::test]
async fn the_stop_button_stops_what_was_begun_before_the_connection_broke() {
    let srv = server(Model::built_in()).await;
    let token = json!({ "token": TOKEN });
    let client =
        srv.client().namespace("/chat").auth(token).reconnect(true).connect().await.unwrap();
    let mut outcomes = client.stream::<Value>("estimate_done");
    client.emit("estimate", long_task()).await.unwrap();
    client.next::<Value>("estimate_response").await.unwrap();
    client.cut();
    client.disconnected().await.unwrap();
    client.connected().await.unwrap();
    client.emit("cancel", ()).await.unwrap();
    assert_eq!(outcomes.next().await.unwrap()["cancelled"], true);
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const WORD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"word \"}}]}\n\n";

/// A part of a body.
fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// An interface like OpenAI's that takes one request on a free port; what it is asked comes with its connection.
async fn provider<S: Future<Output = ()>>(
    speak: impl FnOnce(String, TcpStream) -> S + 'static,
) -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    actix_web::rt::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0, "the request has no end");
        }
        speak(String::from_utf8(asked).unwrap(), stream).await;
    });
    Model::remote(url, "secret".to_owned(), "any".to_owned())
}

/// One that answers with this and is silent then, or ends.
async fn answering(text: String, ends: bool) -> Model {
    provider(async move |_, mut stream| {
        stream.write_all(text.as_bytes()).await.unwrap();
        if !ends {
            std::future::pending::<()>().await;
        }
    })
    .await
}

#[actix_web::test]
async fn a_model_behind_http_is_read_as_it_speaks() {
    let model = provider(async |asked, mut stream| {
        assert!(asked.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer secret\r\n"), "{asked}");
        let (_, question) = asked.split_once("\r\n\r\n").unwrap();
        let question: Value = serde_json::from_str(question).unwrap();
        assert_eq!(question["stream"], true);
        assert!(question["messages"][0]["content"].as_str().unwrap().contains("the water"));
        // Lines end anywhere in what is sent at a time.
        let words = ": a comment\n\ndata: {\"choices\":[]}\r\n\r\n".to_owned() + WORD + WORD;
        stream.write_all(HEAD.as_bytes()).await.unwrap();
        let (begin, rest) = words.split_at(20);
        let (middle, end) = rest.split_at(50);
        for part in [begin, middle, end, "data: [DONE]\n\n"] {
            stream.write_all(chunk(part).as_bytes()).await.unwrap();
            time::sleep(Duration::from_millis(20)).await;
        }
        // What stands behind the end is not waited for.
        std::future::pending::<()>().await;
    })
    .await;
    let srv = server(model).await;
    let client = client(&srv).await;
    let done = client.emit_with_ack::<Value>("estimate", task()).await.unwrap();
    assert_eq!(done, json!({ "task_id": 123, "pieces": 2, "cancelled": false }));
    for index in 0..2 {
        let piece = client.next::<Value>("estimate_response").await.unwrap();
        assert_eq!(piece, json!({ "task_id": 123, "index": index, "data": "word " }));
    }
}

#[actix_web::test]
async fn what_a_model_does_wrong_is_no_business_of_clients() {
    let status = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 6\r\n\r\nbroken".to_owned();
    let answers = [
        status,
        "broken\r\n\r\n".to_owned(),
        HEAD.to_owned() + &chunk("data: broken\n\n"),
        HEAD.to_owned() + &chunk(WORD) + &chunk("data: {\"error\":\"broken\"}\n\n"),
        HEAD.to_owned() + &chunk(&format!("data: {}", "broken".repeat(100_000))),
    ];
    for answer in answers {
        let srv = server(answering(answer.clone(), true).await).await;
        let client = client(&srv).await;
        let error =
            client.emit_with_ack::<Value>("estimate", task()).await.unwrap_err().to_string();
        assert!(error.starts_with("internal") && !error.contains("broken"), "{error}");
    }
}

#[actix_web::test]
async fn a_model_that_falls_silent_is_given_up() {
    for body in [None, Some(": begins\n"), Some(WORD), Some("data: ")] {
        let answer = body.map(|text| HEAD.to_owned() + &chunk(text));
        let srv = server(answering(answer.unwrap_or_default(), false).await).await;
        let token = json!({ "token": TOKEN });
        let minutes = Duration::from_secs(120);
        let client =
            srv.client().namespace("/chat").auth(token).timeout(minutes).connect().await.unwrap();
        client.emit("estimate", task()).await.unwrap();
        if body == Some(WORD) {
            client.next::<Value>("estimate_response").await.unwrap();
        }
        time::pause();
        let error = client.next::<Value>("exception").await.unwrap();
        assert_eq!(error["code"], "internal");
        time::resume();
    }
}

/// A model that never ends, and what resolves when nobody listens to it any more.
async fn endless() -> (Model, oneshot::Receiver<()>) {
    let (gone, is_gone) = oneshot::channel();
    let model = provider(async |_, mut stream| {
        let mut text = HEAD.to_owned();
        while stream.write_all(text.as_bytes()).await.is_ok() {
            time::sleep(Duration::from_millis(10)).await;
            text = chunk(WORD);
        }
        let _ = gone.send(());
    })
    .await;
    (model, is_gone)
}

#[actix_web::test]
async fn a_model_is_left_alone_when_its_text_is_stopped_or_its_reader_has_left() {
    for leaves in [false, true] {
        let (model, is_gone) = endless().await;
        let srv = server(model).await;
        let client = client(&srv).await;
        client.emit("estimate", task()).await.unwrap();
        client.next::<Value>("estimate_response").await.unwrap();
        if leaves {
            client.close().await;
        } else {
            client.emit("cancel", ()).await.unwrap();
        }
        time::timeout(Duration::from_secs(10), is_gone).await.unwrap().unwrap();
    }
}

#[actix_web::test]
async fn the_stop_button_stops_a_model_that_has_not_begun_to_speak() {
    let srv = server(answering(String::new(), false).await).await;
    let client = client(&srv).await;
    let done = client.emit_with_ack::<Value>("estimate", task());
    let stop = async {
        // Behind the estimate: one client's events begin in order.
        client.emit_with_ack::<()>("cancel", ()).await.unwrap();
    };
    let (done, ()) = tokio::join!(done, stop);
    assert_eq!(done.unwrap(), json!({ "task_id": 123, "pieces": 0, "cancelled": true }));
}
