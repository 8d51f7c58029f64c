//! NestJS.

use futures_util::{Stream, stream};
use garde::Validate;
use serde::{Deserialize, Serialize};
use sio_actix::prelude::*;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

use super::{SECRET, may, renamed, timed};

#[derive(Serialize, Deserialize, Validate)]
struct Dto {
    #[garde(length(min = 1))]
    text: String,
}

struct Chat;

#[ws_controller("/chat")]
impl Chat {
    #[on_connection]
    fn connected(&self, socket: Socket) {
        socket.join("room");
    }

    #[on_message("say")]
    fn say(&self, body: Valid<Dto>, socket: Socket, io: Io) -> Result<String, EventError> {
        io.of("/chat").to("room").emit("said", socket.id())?;
        Ok(body.0.text)
    }

    #[on_message("e")]
    #[emit("e")]
    fn event(&self, body: Dto) -> Dto {
        body
    }

    #[on_message("later")]
    fn later(&self, ack: AckSender) -> Result<(), EventError> {
        Ok(ack.send(7)?)
    }

    #[on_message("numbers")]
    #[emit("e")]
    fn numbers(&self) -> impl Stream<Item = u32> + use<> {
        stream::iter([1, 2])
    }

    #[on_message("fails")]
    #[middleware(timed)]
    fn fails(&self) -> Result<(), EventError> {
        Err(EventError::new("code", "m"))
    }

    #[on_message("secret")]
    #[guard(may)]
    #[on_error(renamed)]
    fn secret(&self) {}

    #[on_disconnect]
    fn gone(&self, ns: NamespaceRef) {
        ns.emit("gone", ()).unwrap();
    }
}

#[actix_web::test]
async fn what_was_nest_works() -> Result<(), ClientError> {
    let srv = TestServer::memory(Io::builder().mount(Chat).build()).await;
    let ada = TestClient::connect(&srv, "/chat").await?;
    let bob = TestClient::connect(&srv, "/chat").await?;
    let dto = |text: &str| Dto { text: text.to_owned() };
    let error = ada.emit_with_ack::<String>("say", dto("")).await.unwrap_err().to_string();
    assert!(error.starts_with("invalid"), "{error}");
    let error = ada.emit_with_ack::<()>(SECRET, ()).await.unwrap_err().to_string();
    assert!(error.contains("secret: no"), "{error}");
    ada.emit("fails", ()).await?;
    assert_eq!(ada.next::<serde_json::Value>("exception").await?["code"], "code");

    assert_eq!(ada.emit_with_ack::<String>("say", dto("hello")).await?, "hello");
    assert_eq!(bob.next::<String>("said").await?, ada.id());
    assert_eq!(ada.emit_with_ack::<u32>("later", ()).await?, 7);
    ada.emit("e", dto("back")).await?;
    assert_eq!(ada.next::<Dto>("e").await?.text, "back");
    ada.emit("numbers", ()).await?;
    assert_eq!((ada.next::<u32>("e").await?, ada.next::<u32>("e").await?), (1, 2));
    ada.close().await;
    bob.next::<()>("gone").await
}
