//! The JavaScript server.

use actix_web::App;
use sio_actix::prelude::*;
use sio_actix::{Cors, Recovery, Server, termination};
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};
use sio_redis::RedisAdapter;

use super::{SECRET, may, timed};

struct Name(&'static str);

struct Chat;

#[ws_controller("/")]
impl Chat {
    #[connect_guard]
    fn admit(&self, handshake: Handshake) -> Result<(), ConnectError> {
        match handshake.query_value("token").as_deref() {
            Some("wrong") => Err(ConnectError::new("not authorized")),
            _ => Ok(()),
        }
    }

    #[on_connection]
    fn connected(&self, socket: Socket) {
        socket.set_state(Name("Ada"));
        socket.set_data("Ada").unwrap();
        socket.use_middleware(|event: &mut IncomingEvent| match event.name() {
            "unwanted" => Err(EventError::new("unwanted", "not that one")),
            _ => Ok(()),
        });
        socket.on("e", |number: i64| number + 1);
        socket.once("e", |socket: Socket| socket.emit("first", ()));
        socket.on_any(|socket: Socket, EventName(name)| {
            socket.set_state(Last(name));
        });
    }

    #[on_message("say")]
    fn say(&self, text: String) -> String {
        text.to_uppercase()
    }

    #[on_message("count")]
    #[guard(may)]
    #[middleware(timed)]
    fn e(&self, args: Rest<Value>) -> usize {
        args.0.len()
    }

    #[on_message("secret")]
    #[guard(may)]
    fn secret(&self) {}

    #[on_message("name")]
    fn name(&self, socket: Socket, name: State<Name>, last: State<Last>) -> (String, &str, String) {
        (socket.data().unwrap(), name.0.0, last.0.0.clone())
    }
}

struct Last(String);

struct Org;

#[ws_controller("/org/{org}")]
impl Org {
    #[on_message("which")]
    fn which(&self, org: NamespaceParam<String>) -> String {
        org.0
    }
}

#[actix_web::test]
async fn what_was_javascript_works() -> Result<(), ClientError> {
    let io = Io::builder().connect_guard(|| Ok::<_, ConnectError>(()));
    let srv = TestServer::memory(io.mount(Chat).mount(Org).build()).await;
    let refused = srv.client().query("token", "wrong").connect().await.unwrap_err();
    assert!(refused.to_string().contains("not authorized"), "{refused}");

    let ada = TestClient::connect(&srv, "/").await?;
    for refused in ["unwanted", SECRET] {
        assert!(ada.emit_with_ack::<()>(refused, ()).await.is_err(), "{refused}");
    }
    assert_eq!(ada.emit_with_ack::<String>("say", "hello").await?, "HELLO");
    assert_eq!(ada.emit_with_ack::<usize>("count", (1, "two", [3])).await?, 3);
    assert_eq!(ada.emit_with_ack::<i64>("e", 1).await?, 2);
    ada.next::<()>("first").await?;
    let named = ada.emit_with_ack::<sio_client::Args<(String, String, String)>>("name", ()).await?;
    assert_eq!(named.0, ("Ada".to_owned(), "Ada".to_owned(), "name".to_owned()));

    let acme = TestClient::connect(&srv, "/org/acme").await?;
    assert_eq!(acme.emit_with_ack::<String>("which", ()).await?, "acme");
    Ok(())
}

#[actix_web::test]
async fn a_server_has_cors_and_recovery_and_ends_its_clients() -> Result<(), ClientError> {
    let origin = "https://app.example";
    let io = Io::builder().cors(Cors::list([origin])).build();
    let app = App::new().configure(io.configure());
    drop(actix_web::test::init_service(app).await);

    let io = Io::builder().connection_state_recovery(Recovery::default()).mount(Chat).build();
    let srv = TestServer::memory(io.clone()).await;
    let ada = TestClient::connect(&srv, "/").await?;
    io.close();
    ada.disconnected().await?;
    Ok(())
}

/// What needs Redis, or a signal: it compiles.
#[expect(dead_code, reason = "compiled, not run")]
async fn in_production(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let io = Io::builder().adapter(RedisAdapter::builder(url).connect().await?).mount(Chat).build();
    let stop = io.clone();
    actix_web::rt::spawn(async move { stop.clone().on_shutdown(termination()).await });
    Server::new(move || App::new().configure(io.configure())).bind(("127.0.0.1", 0))?.run().await?;
    Ok(())
}
