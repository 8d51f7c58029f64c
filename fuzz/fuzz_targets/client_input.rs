//! What a server says to our client: packets, attachments, and the open packet.

#![no_main]

use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use fuzz::Choices;
use libfuzzer_sys::fuzz_target;
use sio_client::internals::{ServerSays, is_open_packet};
use sio_client::{Client, Rest, Value};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

fn play(data: &[u8]) {
    let mut choices = Choices::new(data);
    let client = Client::builder("http://localhost").build().unwrap();
    let sockets = ["/", "/chat"].map(|namespace| client.socket(namespace));
    for socket in &sockets {
        socket.on("e", |args: Rest<Value>| drop(args));
        socket.on_any(|_, args| drop(args.values()));
        socket.on_with_ack("ask", async |args: Rest<Value>| args);
        // The task that would connect does not run.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(socket.connect()).poll(&mut cx).is_pending());
    }
    let mut server = ServerSays::to(&client);
    while !choices.is_empty() {
        let kind = choices.byte();
        let chunk = choices.chunk();
        let text = std::str::from_utf8(chunk);
        let said = match (kind % 4, text) {
            (0, _) | (_, Err(_)) => server.binary(Bytes::copy_from_slice(chunk)),
            (1, Ok(text)) => {
                let _opens = is_open_packet(text);
                continue;
            }
            (_, Ok(text)) => server.text(text),
        };
        if said.is_err() {
            break;
        }
        if kind & 4 == 4 {
            for socket in &sockets {
                drop(socket.emit_with_ack::<Rest<Value>>("q", ()));
            }
        }
    }
    sockets.iter().for_each(sio_client::Socket::disconnect);
}

fuzz_target!(|data: &[u8]| {
    RUNTIME.with(|runtime| {
        let guard = runtime.enter();
        play(data);
        drop(guard);
        // The tasks of the client find that nobody wants them.
        runtime.block_on(async {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        });
    });
});
