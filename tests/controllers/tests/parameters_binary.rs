//! Attachments: bare, nested in structs, in and out.

use bytes::Bytes;
use controllers_tests::{Back, TestResult, ack, end, error};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::{Args, TransportMode};

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Photo {
    name: String,
    data: Binary,
    #[serde(flatten)]
    more: Thumbnail,
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Thumbnail {
    thumbnail: Option<Binary>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
enum Layer {
    Bitmap { bits: Binary },
    Text(String),
}

struct Files;

#[ws_controller("/")]
impl Files {
    #[on_message("sizes")]
    fn sizes(&self, a: Binary, n: u8, b: Bytes, c: Vec<u8>) -> (usize, u8, usize, usize) {
        (a.len(), n, b.len(), c.len())
    }

    #[on_message("photo")]
    #[emit("photo")]
    fn photo(&self, photo: Photo) -> (u8, Photo) {
        (1, photo)
    }

    #[on_message("raw")]
    fn raw(&self, raw: RawArgs) -> Vec<usize> {
        raw.attachments.iter().map(Bytes::len).collect()
    }

    #[on_message("text")]
    fn text(&self, text: String) -> String {
        text
    }
}

fn photo() -> Photo {
    let bytes = |n: usize| Binary::from(vec![7_u8; n]);
    Photo {
        name: "cat".to_owned(),
        data: bytes(10_000),
        more: Thumbnail { thumbnail: Some(bytes(10)) },
        layers: vec![Layer::Text("t".to_owned()), Layer::Bitmap { bits: bytes(3) }],
    }
}

const MODES: [TransportMode; 2] = [TransportMode::Polling, TransportMode::Websocket];

#[actix_web::test]
async fn attachment_that_is_no_attachment_names_the_argument() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Files)).await?;
        let binary = Binary::from(vec![1_u8, 2]);
        let wrong = error(&client, "sizes", ("no bytes", 1, &binary, [1])).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 0 "), "{wrong}");
        let wrong = error(&client, "sizes", (&binary, 1, 2, [1])).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 2 "), "{wrong}");
        let wrong = error(&client, "text", (&binary,)).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 0 "), "{wrong}");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn attachments_are_arguments() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let srv = back.start(Io::builder().mount(Files)).await;
        let client = srv.client().transport(mode).connect().await?;
        let bytes = |n: usize| Binary::from(vec![7_u8; n]);
        let got = ack(&client, "sizes", (bytes(0), 9, bytes(70_000), bytes(3))).await?;
        assert_eq!(got, json!([0, 9, 70_000, 3]), "{mode:?}");
        assert_eq!(
            ack(&client, "sizes", (bytes(1), 9, bytes(1), [1, 2])).await?,
            json!([1, 9, 1, 2])
        );
        assert_eq!(ack(&client, "raw", (bytes(4), "x", bytes(5))).await?, json!([[4, 5]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn attachments_nested_in_structs_go_in_and_out() -> TestResult {
    for (back, mode) in Back::BOTH.into_iter().flat_map(|back| MODES.map(|mode| (back, mode))) {
        let srv = back.start(Io::builder().mount(Files)).await;
        let client = srv.client().transport(mode).connect().await?;
        let answer = client.emit_with_ack::<Args<(u8, Photo)>>("photo", (photo(),)).await?;
        assert_eq!(answer.0, (1, photo()), "{mode:?}");
        client.emit("photo", (photo(),)).await?;
        let event = client.next::<Args<(u8, Photo)>>("photo").await?;
        assert_eq!(event.0, (1, photo()), "{mode:?}");
        end(srv, client).await;
    }
    Ok(())
}
