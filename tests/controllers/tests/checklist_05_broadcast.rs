//! Point 5: `#[broadcast]` sends event and payload to the whole namespace.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;
use sio_client::test::TestClient;

struct Cast;

#[ws_controller("/")]
impl Cast {
    #[on_message("join")]
    fn join(&self, socket: Socket, room: String) {
        socket.join(room);
    }

    #[on_message("all")]
    #[broadcast("to all")]
    fn all(&self, n: i64) -> (i64, &'static str) {
        (n, "payload")
    }

    #[on_message("others")]
    #[broadcast("to others", except_self)]
    fn others(&self) -> u8 {
        1
    }

    #[on_message("room")]
    #[broadcast("to room", room = "a", room = "b")]
    #[broadcast("to others in room", room = "a", except_self)]
    async fn room(&self) -> u8 {
        1
    }

    #[on_message("local")]
    #[broadcast("here", local)]
    fn local(&self) -> u8 {
        1
    }

    #[on_message("volatile")]
    #[broadcast("here or never", volatile, except_self)]
    fn volatile(&self) -> u8 {
        1
    }

    #[on_message("unit")]
    #[broadcast("to all")]
    fn unit(&self) {}
}

/// The same events in another namespace.
struct Elsewhere;

#[ws_controller("/elsewhere")]
impl Elsewhere {
    #[on_message("hello")]
    fn hello(&self) {}
}

fn names(client: &TestClient) -> Vec<String> {
    client.received().into_iter().map(|one| one.event).collect()
}

#[actix_web::test]
async fn e05_broadcast_reaches_the_sender_too() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        sender.emit("all", (7,)).await?;
        for client in [&sender, &other] {
            fence(client).await?;
            assert_eq!(events(client, "to all"), json!([[7, "payload"]]));
        }
        end(srv, (sender, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_broadcast_stays_in_its_namespace() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast).mount(Elsewhere)).await?;
        let other = TestClient::connect(&srv, "/elsewhere").await?;
        let same_session = sender.join("/elsewhere").await?;
        ack(&sender, "all", (7,)).await?;
        for client in [&other, &same_session] {
            ack(client, "hello", ()).await?;
            assert_eq!(client.received(), []);
        }
        end(srv, (sender, other, same_session)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_except_self_leaves_the_sender_out() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        assert_eq!(ack(&sender, "others", ()).await?, json!([1]));
        fence(&sender).await?;
        fence(&other).await?;
        assert_eq!(sender.received(), []);
        assert_eq!(events(&other, "to others"), json!([[1]]));
        end(srv, (sender, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_rooms_narrow_it_and_keep_the_sender() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        let a = TestClient::connect(&srv, "/").await?;
        let b = TestClient::connect(&srv, "/").await?;
        let out = TestClient::connect(&srv, "/").await?;
        for (client, room) in [(&sender, "a"), (&a, "a"), (&b, "b")] {
            ack(client, "join", (room,)).await?;
        }
        ack(&sender, "room", ()).await?;
        for client in [&sender, &a, &b, &out] {
            fence(client).await?;
        }
        assert_eq!(names(&sender), ["to room"]);
        assert_eq!(names(&a), ["to room", "to others in room"]);
        assert_eq!(names(&b), ["to room"]);
        assert_eq!(names(&out), Vec::<String>::new());
        // Its sender need not be a member.
        ack(&out, "room", ()).await?;
        fence(&out).await?;
        assert_eq!(names(&out), Vec::<String>::new());
        end(srv, (sender, a, b, out)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_local_reaches_the_sockets_of_this_node() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        sender.emit("local", ()).await?;
        fence(&sender).await?;
        fence(&other).await?;
        assert_eq!(names(&sender), ["here"]);
        assert_eq!(names(&other), ["here"]);
        end(srv, (sender, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_volatile_reaches_those_who_can_take_it() -> TestResult {
    for back in Back::ALL {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        let other = TestClient::connect(&srv, "/").await?;
        // It may be dropped, but not again and again.
        let arrived = other.once::<u8>("here or never");
        let again = async {
            loop {
                ack(&sender, "volatile", ()).await.unwrap();
            }
        };
        tokio::select! {
            arrived = arrived => assert_eq!(arrived?, 1),
            () = again => {}
        }
        fence(&sender).await?;
        assert_eq!(names(&sender), Vec::<String>::new());
        end(srv, (sender, other)).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e05_unit_is_broadcast_to_nobody() -> TestResult {
    for back in Back::BOTH {
        let (srv, sender) = back.connect(Io::builder().mount(Cast)).await?;
        assert_eq!(ack(&sender, "unit", ()).await?, json!([]));
        fence(&sender).await?;
        assert_eq!(sender.received(), []);
        end(srv, sender).await;
    }
    Ok(())
}
