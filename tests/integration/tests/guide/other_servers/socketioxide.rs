//! socketioxide.

use actix_web::{App, web};
use sio_actix::Recovery;
use sio_actix::prelude::*;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

type T = i64;
type A = i64;
type B = String;

struct Chat;

#[ws_controller("/chat")]
impl Chat {
    #[connect_guard]
    fn admit(&self, socket: Socket) -> Result<(), ConnectError> {
        let x: T = 1;
        socket.set_state(x);
        Ok(())
    }

    #[on_message("both")]
    fn both(&self, a: A, b: B) -> String {
        format!("{a}{b}")
    }

    #[on_message("tried")]
    fn tried(&self, number: Try<T>) -> bool {
        number.0.is_ok()
    }

    #[on_message("known")]
    fn known(&self, state: State<T>, data: web::Data<T>) -> String {
        format!("{} {}", state.0, data.get_ref())
    }

    #[on_message("tell")]
    fn tell(&self, socket: Socket, io: NamespaceRef) -> Result<(), EventError> {
        let x = "x";
        socket.join("room");
        Ok(io.to("room").emit("e", x)?)
    }
}

#[actix_web::test]
async fn what_was_socketioxide_works() -> Result<(), ClientError> {
    let io = Io::builder().build();
    drop(actix_web::test::init_service(App::new().configure(io.configure())).await);

    let data = web::Data::<T>::new(5);
    let io = Io::builder().data(data).connection_state_recovery(Recovery::default()).mount(Chat);
    let io = io.namespace("/chat", |ns| {
        ns.connect_guard(|| Ok::<_, ConnectError>(()));
        ns.on("e", async |s: Socket, x: T| {
            s.join("room");
            x + 1
        });
    });
    let srv = TestServer::memory(io.build()).await;
    let bob = TestClient::connect(&srv, "/chat").await?;
    assert_eq!(bob.emit_with_ack::<T>("e", 1).await?, 2);
    assert_eq!(bob.emit_with_ack::<String>("both", (1, "two")).await?, "1two");
    assert!(!bob.emit_with_ack::<bool>("tried", "no number").await?);
    assert_eq!(bob.emit_with_ack::<String>("known", ()).await?, "1 5");
    bob.emit("tell", ()).await?;
    assert_eq!(bob.next::<String>("e").await?, "x");
    Ok(())
}
