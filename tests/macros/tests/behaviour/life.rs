//! The life of a socket: guards, connection, disconnection, namespaces.

use std::collections::HashMap;

use sio_actix::prelude::*;
use sio_client::test::{TestClient, TestServer};

use super::{Named, Outcome, joined};

struct User(String);

struct Members;

#[ws_controller("/members")]
impl Members {
    #[connect_guard]
    async fn authenticate(&self, auth: Auth<Named>) -> Result<State<User>, ConnectError> {
        match auth.0.name.as_str() {
            "" => Err(ConnectError::new("no name")),
            name => Ok(State::new(User(name.to_owned()))),
        }
    }

    #[connect_guard]
    fn only_short_names(user: State<User>) -> bool {
        user.0.0.len() < 9
    }

    #[on_connection]
    #[emit("welcome")]
    #[broadcast("joined", except_self)]
    fn joined(&self, user: State<User>) -> String {
        user.0.0.clone()
    }

    #[on_connection]
    #[guard(not_eve)]
    async fn counted(&self, user: State<User>) -> Result<(), EventError> {
        if user.0.0 == "mallory" { Err(EventError::new("no", "not you")) } else { Ok(()) }
    }

    #[on_disconnecting]
    #[emit("leaving", room = "members")]
    async fn leaving(&self, socket: Socket) -> usize {
        socket.rooms().len()
    }

    #[on_disconnect]
    #[broadcast("left")]
    fn left(&self, socket: Socket, reason: DisconnectReason) -> (usize, String) {
        (socket.rooms().len(), reason.to_string())
    }

    #[on_message("enter")]
    fn enter(socket: Socket) {
        socket.join("members");
    }
}

fn not_eve(cx: &EventCx<'_>) -> bool {
    cx.socket().state::<User>().is_none_or(|user| user.0 != "eve")
}

async fn members() -> TestServer {
    TestServer::memory(Io::builder().mount(Members).build()).await
}

async fn named(srv: &TestServer, name: &str) -> Result<TestClient, sio_client::ConnectError> {
    srv.client().namespace("/members").auth(super::named(name)).connect().await
}

#[actix_web::test]
async fn guards_decide_before_connect_is_answered() -> Outcome {
    let srv = members().await;
    drop(named(&srv, "ada").await?);
    for (name, message) in
        [("", "no name"), ("much too long", "not allowed"), ("eve", "not allowed")]
    {
        let refused = named(&srv, name).await.expect_err(name);
        assert!(refused.to_string().contains(message), "{name}: {refused}");
    }
    Ok(())
}

#[actix_web::test]
async fn connection_handlers_emit_and_broadcast() -> Outcome {
    let srv = members().await;
    let ada = named(&srv, "ada").await?;
    assert_eq!(ada.next::<String>("welcome").await?, "ada");
    let bob = named(&srv, "bob").await?;
    assert_eq!(bob.next::<String>("welcome").await?, "bob");
    assert_eq!(ada.next::<String>("joined").await?, "bob");
    Ok(())
}

#[actix_web::test]
async fn error_of_a_connection_handler_disconnects() -> Outcome {
    let srv = members().await;
    let mallory = named(&srv, "mallory").await?;
    mallory.disconnected().await?;
    Ok(())
}

#[actix_web::test]
async fn ends_are_told_before_and_after_the_rooms() -> Outcome {
    let srv = members().await;
    let (ada, bob) = (named(&srv, "ada").await?, named(&srv, "bob").await?);
    ada.emit_with_ack::<()>("enter", ()).await?;
    bob.emit_with_ack::<()>("enter", ()).await?;
    bob.close().await;
    assert_eq!(ada.next::<usize>("leaving").await?, 2);
    assert_eq!(ada.next::<usize>("left").await?, 0);
    Ok(())
}

struct Organisations;

#[ws_controller("/org/{org}/room/{id:[0-9]+}")]
impl Organisations {
    #[on_message("where")]
    fn place(&self, param: NamespaceParam<HashMap<String, String>>) -> String {
        let part = |name| param.0.get(name).map_or("", String::as_str);
        format!("{} {}", part("org"), part("id"))
    }
}

#[actix_web::test]
async fn patterns_serve_every_namespace_of_their_form() -> Outcome {
    let io = Io::builder().mount(Organisations).build();
    let (srv, client) = joined(io, "/org/acme/room/7").await?;
    assert_eq!(client.emit_with_ack::<String>("where", ()).await?, "acme 7");
    assert!(TestClient::connect(&srv, "/org/acme/room/x").await.is_err());
    Ok(())
}
