//! Point 4: each `#[emit]` reaches its own audience.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::{TestClient, TestServer};

const SENDER: &str = "sender event";

mod names {
    pub(super) const ROOM: &str = "a";
    pub(super) const EVENT: &str = "a event";
}

struct Rooms;

#[ws_controller("/")]
impl Rooms {
    #[on_message("join")]
    fn join(&self, socket: Socket, rooms: Vec<String>) {
        socket.join(rooms);
    }

    #[on_message("say")]
    #[emit(names::EVENT, room = names::ROOM)]
    #[emit("first")]
    #[emit("ab", room = "a", room = "b")]
    #[emit(SENDER)]
    fn say(&self, text: String) -> String {
        text
    }

    #[on_message("two")]
    #[emit("two", room = "a")]
    fn two(&self) -> (u8, &'static str) {
        (2, "args")
    }

    #[on_message("always")]
    #[emit("always", room = "a", always)]
    #[emit("not always", room = "a")]
    fn always(&self) -> u8 {
        1
    }

    #[on_message("nothing")]
    #[emit("nothing", room = "a", always)]
    fn nothing(&self) -> Option<u8> {
        None
    }
}

async fn joined(
    srv: &TestServer,
    rooms: &[&str],
) -> Result<TestClient, Box<dyn std::error::Error>> {
    let client = TestClient::connect(srv, "/").await?;
    ack(&client, "join", (rooms,)).await?;
    Ok(client)
}

#[actix_web::test]
async fn e04_emits_with_and_without_rooms_reach_their_own_audience() -> TestResult {
    for back in Back::ALL {
        let srv = back.start(Io::builder().mount(Rooms)).await;
        let sender = joined(&srv, &["a"]).await?;
        let (a, b) = (joined(&srv, &["a"]).await?, joined(&srv, &["b"]).await?);
        let (ab, out) = (joined(&srv, &["a", "b"]).await?, joined(&srv, &[]).await?);
        sender.emit("say", ("hi",)).await?;
        for client in [&sender, &a, &b, &ab, &out] {
            fence(client).await?;
        }
        let of = |client: &TestClient| -> Vec<String> {
            client.received().into_iter().map(|one| one.event).collect()
        };
        assert_eq!(of(&sender), ["first", SENDER], "the sender is in room a, and left out of it");
        assert_eq!(of(&a), [names::EVENT, "ab"]);
        assert_eq!(of(&b), ["ab"]);
        assert_eq!(of(&ab), [names::EVENT, "ab"], "once per emission, though in both rooms");
        assert_eq!(of(&out), Vec::<String>::new());
        assert_eq!(events(&ab, "ab"), json!([["hi"]]));
        end(srv, (sender, a, b, ab, out)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e04_ack_wins_over_rooms_too_unless_they_say_always() -> TestResult {
    for back in Back::ALL {
        let srv = back.start(Io::builder().mount(Rooms)).await;
        let (sender, a) = (joined(&srv, &["a"]).await?, joined(&srv, &["a"]).await?);
        assert_eq!(ack(&sender, "say", ("hi",)).await?, json!(["hi"]));
        assert_eq!(ack(&sender, "always", ()).await?, json!([1]));
        assert_eq!(ack(&sender, "nothing", ()).await?, json!([null]));
        fence(&sender).await?;
        fence(&a).await?;
        assert_eq!(sender.received(), []);
        assert_eq!(events(&a, "always"), json!([[1]]));
        assert_eq!(a.received().len(), 1, "{:?}", a.received());
        end(srv, (sender, a)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e04_sender_need_not_be_in_the_room() -> TestResult {
    for back in Back::ALL {
        let srv = back.start(Io::builder().mount(Rooms)).await;
        let (sender, a) = (joined(&srv, &[]).await?, joined(&srv, &["a"]).await?);
        sender.emit("two", ()).await?;
        fence(&sender).await?;
        fence(&a).await?;
        assert_eq!(sender.received(), []);
        assert_eq!(events(&a, "two"), json!([[2, "args"]]));
        end(srv, (sender, a)).await;
    }
    Ok(())
}
