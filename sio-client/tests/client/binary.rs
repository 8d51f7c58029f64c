//! Attachments in both directions, on every transport.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sio_actix::{Io, Socket};
use sio_client::test::TestServer;
use sio_client::{Args, Binary, ClientError, TransportMode};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Picture {
    name: String,
    data: Binary,
    parts: Vec<Binary>,
}

fn pictures() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("swap", async |s: Socket, a: Binary, n: i64, b: Binary| {
                s.emit("swapped", (b, n, a))
            });
            ns.on("ack", async |picture: sio_actix::Value| picture);
            ns.on("ask", async |s: Socket, picture: sio_actix::Value| {
                let timeout = std::time::Duration::from_secs(5);
                let answer =
                    s.emit_with_ack::<sio_actix::Value>("question", picture, timeout).await;
                answer.map_err(sio_actix::EventError::from)
            });
        })
        .build()
}

fn picture(size: usize) -> Picture {
    let bytes: Bytes = (0..size).map(|i| (i % 256) as u8).collect();
    Picture {
        name: "é".to_owned(),
        data: Binary(bytes),
        parts: vec![Binary::default(), Binary(Bytes::from_static(&[0xff, 0, 0x1e]))],
    }
}

on_both! {
    async fn attachments_keep_place_and_bytes(srv = pictures()) {
        for mode in [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade] {
            let client = srv.client().transport(mode).connect().await?;
            let swapped = client.once::<Args<(Binary, i64, Binary)>>("swapped");
            let (one, two) = (Binary(Bytes::from_static(b"one")), Binary(Bytes::from_static(b"2")));
            client.emit("swap", (&one, 7, &two)).await?;
            assert_eq!(swapped.await?, Args((two, 7, one)));
            for size in [0, 1, 255, 100_000] {
                let sent = picture(size);
                let back: Picture = client.emit_with_ack("ack", &sent).await?;
                assert_eq!(back, sent);
            }
            client.on_with_ack("question", |mut picture: Picture| async move {
                picture.parts.reverse();
                picture
            });
            let mut sent = picture(300);
            let back: Picture = client.emit_with_ack("ask", &sent).await?;
            sent.parts.reverse();
            assert_eq!(back, sent);
            drop(client);
        }
        srv.stop().await;
        Ok(())
    }
}
