//! Midway.

use sio_actix::prelude::*;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

use super::{SECRET, may, renamed};

struct Chat;

#[ws_controller("/chat")]
impl Chat {
    #[connect_guard]
    fn admit(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    #[on_connection]
    #[emit("e")]
    fn connected(&self, socket: Socket) -> String {
        socket.id().to_string()
    }

    #[on_message("e")]
    #[broadcast("e")]
    #[on_error(renamed)]
    fn event(&self, number: i64) -> i64 {
        number
    }

    #[on_message("others")]
    #[broadcast("e", except_self)]
    fn others(&self) -> &'static str {
        "others"
    }

    #[on_message("secret")]
    #[guard(may)]
    fn secret(&self) {}

    #[on_disconnect]
    fn gone(&self, ns: NamespaceRef) {
        ns.emit("gone", ()).unwrap();
    }
}

#[actix_web::test]
async fn what_was_midway_works() -> Result<(), ClientError> {
    let srv = TestServer::memory(Io::builder().mount(Chat).build()).await;
    let ada = TestClient::connect(&srv, "/chat").await?;
    let bob = TestClient::connect(&srv, "/chat").await?;
    for client in [&ada, &bob] {
        assert_eq!(client.next::<String>("e").await?, client.id());
    }
    let error = ada.emit_with_ack::<i64>("e", "x").await.unwrap_err().to_string();
    assert!(error.contains("e: no"), "{error}");
    assert!(ada.emit_with_ack::<()>(SECRET, ()).await.is_err());

    ada.emit("others", ()).await?;
    ada.emit("e", 5).await?;
    assert_eq!(ada.next::<i64>("e").await?, 5);
    assert_eq!(bob.next::<String>("e").await?, "others");
    assert_eq!(bob.next::<i64>("e").await?, 5);
    ada.close().await;
    bob.next::<()>("gone").await
}
