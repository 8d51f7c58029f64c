//! Point 10: what `on_connection` emits arrives after CONNECT and before any reply.

use controllers_tests::{Back, Gate, TestResult, end, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::TransportMode;
use sio_client::test::TestClient;

#[derive(Clone, Default)]
struct Lobby(Gate);

#[ws_controller("/")]
impl Lobby {
    #[on_connection]
    #[emit("welcome")]
    #[emit("welcome again")]
    #[broadcast("joined")]
    fn joined(&self, socket: Socket) -> (String, u8) {
        (socket.id().to_string(), 1)
    }

    #[on_connection]
    #[emit("by and by")]
    async fn later(&self, socket: Socket) -> Option<u8> {
        socket.emit("by hand", (1,)).unwrap();
        self.0.pass().await;
        Some(2)
    }

    #[on_connection]
    #[emit("never")]
    fn nothing(&self) -> Option<u8> {
        None
    }

    #[on_message("hello")]
    #[emit("reply")]
    fn hello(&self) -> u8 {
        3
    }
}

fn names(client: &TestClient) -> Vec<String> {
    client.received().into_iter().map(|one| one.event).collect()
}

#[actix_web::test]
async fn e10_emissions_of_on_connection_come_after_connect_and_before_replies() -> TestResult {
    for back in Back::ALL {
        for mode in [TransportMode::Polling, TransportMode::Websocket, TransportMode::Upgrade] {
            let lobby = Lobby::default();
            let srv = back.start(Io::builder().mount(lobby.clone())).await;
            let client = srv.client().transport(mode).connect().await?;
            client.emit("hello", ()).await?;
            let first: (String, u8) = client.next::<sio_client::Args<_>>("welcome").await?.0;
            assert_eq!(first, (client.id(), 1), "CONNECT came before, or there were no id");
            lobby.0.open();
            client.next::<u8>("reply").await?;
            let expected = ["welcome", "welcome again", "joined", "by hand", "by and by", "reply"];
            assert_eq!(names(&client), expected, "{mode:?}");
            end(srv, client).await;
        }
    }
    Ok(())
}

#[actix_web::test]
async fn e10_broadcast_of_on_connection_reaches_those_who_are_there() -> TestResult {
    for back in Back::ALL {
        let lobby = Lobby::default();
        lobby.0.open();
        let (srv, first) = back.connect(Io::builder().mount(lobby.clone())).await?;
        fence(&first).await?;
        let second = TestClient::connect(&srv, "/").await?;
        fence(&second).await?;
        fence(&first).await?;
        let (a, b) = (first.id(), second.id());
        assert_eq!(events(&first, "joined"), json!([[a, 1], [b, 1]]));
        assert_eq!(events(&second, "joined"), json!([[b, 1]]));
        assert_eq!(events(&second, "never"), json!([]));
        end(srv, (first, second)).await;
    }
    Ok(())
}

struct Failing;

#[ws_controller("/failing")]
impl Failing {
    #[on_connection]
    #[emit("welcome")]
    async fn joined(&self) -> Result<u8, EventError> {
        Err(EventError::new("full", "no room"))
    }
}

#[actix_web::test]
async fn e10_error_of_on_connection_disconnects() -> TestResult {
    for back in Back::BOTH {
        let srv = back.start(Io::builder().mount(Failing)).await;
        let client = TestClient::connect(&srv, "/failing").await?;
        assert_eq!(client.disconnected().await?, "io server disconnect");
        assert_eq!(names(&client), Vec::<String>::new());
        end(srv, client).await;
    }
    Ok(())
}
