//! Controllers of one connection, and several controllers of one namespace.

use sio_actix::prelude::*;
use sio_client::test::TestClient;

use super::{Named, Outcome, joined};

struct Session {
    name: String,
    events: u32,
}

#[ws_controller("/session", scope = connection)]
impl Session {
    #[connect_guard]
    fn has_name(auth: Auth<Named>) -> bool {
        !auth.0.name.is_empty()
    }

    #[create]
    async fn new(auth: Auth<Named>) -> Result<Self, ConnectError> {
        match auth.0.name.as_str() {
            "nobody" => Err(ConnectError::new("nobody is refused")),
            name => Ok(Self { name: name.to_owned(), events: 0 }),
        }
    }

    #[on_connection]
    #[emit("welcome")]
    fn joined(&mut self) -> String {
        self.events += 10;
        self.name.clone()
    }

    #[on_message("count")]
    async fn count(&mut self) -> u32 {
        let before = self.events;
        // The next event waits for this one, so nothing is lost in between.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        self.events = before + 1;
        self.events
    }

    #[on_message("name")]
    fn name(&self) -> String {
        self.name.clone()
    }

    #[on_message("fixed")]
    fn fixed(value: u8) -> u8 {
        value
    }
}

#[actix_web::test]
async fn each_connection_has_its_own() -> Outcome {
    let srv =
        sio_client::test::TestServer::memory(Io::builder().mount_scoped::<Session>().build()).await;
    let connect = async |name: &str| {
        srv.client().namespace("/session").auth(super::named(name)).connect().await
    };
    let ada = connect("ada").await?;
    let bob = connect("bob").await?;
    assert_eq!(ada.next::<String>("welcome").await?, "ada");
    for _ in 0..3 {
        ada.emit("count", ()).await?;
    }
    assert_eq!(ada.emit_with_ack::<u32>("count", ()).await?, 14);
    assert_eq!(bob.emit_with_ack::<u32>("count", ()).await?, 11);
    assert_eq!(bob.emit_with_ack::<String>("name", ()).await?, "bob");
    assert_eq!(bob.emit_with_ack::<u8>("fixed", (3,)).await?, 3);
    for (name, message) in [("nobody", "nobody is refused"), ("", "not allowed")] {
        let refused = connect(name).await.expect_err(name);
        assert!(refused.to_string().contains(message), "{name}: {refused}");
    }
    Ok(())
}

#[derive(Default)]
struct Plain {
    count: u8,
}

#[ws_controller("/plain", scope = connection)]
impl Plain {
    #[on_message("up")]
    fn up(&mut self) -> u8 {
        self.count += 1;
        self.count
    }
}

#[actix_web::test]
async fn default_is_enough() -> Outcome {
    let io = Io::builder().mount_scoped::<Plain>().build();
    let (srv, client) = joined(io, "/plain").await?;
    assert_eq!(client.emit_with_ack::<u8>("up", ()).await?, 1);
    assert_eq!(client.emit_with_ack::<u8>("up", ()).await?, 2);
    let other = TestClient::connect(&srv, "/plain").await?;
    assert_eq!(other.emit_with_ack::<u8>("up", ()).await?, 1);
    Ok(())
}

struct First;

#[ws_controller("/shared")]
impl First {
    #[on_message("both", multi)]
    #[broadcast("first")]
    fn both(&self) -> u8 {
        1
    }
}

#[ws_controller("/shared")]
struct Second;

#[ws_handlers]
impl Second {
    #[on_message("both", multi)]
    #[broadcast("second")]
    fn both(&self) -> u8 {
        2
    }
}

#[actix_web::test]
async fn multi_lets_two_controllers_handle_an_event() -> Outcome {
    let io = Io::builder().mount(First).mount(Second).build();
    let (_srv, client) = joined(io, "/shared").await?;
    client.emit("both", ()).await?;
    assert_eq!(client.next::<u8>("first").await?, 1);
    assert_eq!(client.next::<u8>("second").await?, 2);
    Ok(())
}
