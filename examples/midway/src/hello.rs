//! Controllers: a client connects, sends an event with several arguments, and is answered.

use serde::{Deserialize, Serialize};
use sio_actix::prelude::*;

/// What `myEvent` answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a message is all of its fields")]
pub struct Answer {
    /// Who answers.
    pub name: String,
    /// The sum.
    pub result: i64,
}

/// The controller of the namespace `/`.
#[derive(Debug)]
pub(crate) struct Hello;

#[ws_controller("/")]
impl Hello {
    /// Runs for each client; what it returns is emitted, here the socket's id.
    #[on_connection]
    #[emit("welcome")]
    fn connected(&self, socket: Socket) -> String {
        socket.id().to_string()
    }

    /// The answer goes to the ack if the client asked for one, else to the event `myEventResult`.
    #[on_message("myEvent")]
    #[emit("myEventResult")]
    async fn my_event(&self, a: i64, b: i64, c: i64) -> Answer {
        Answer { name: "harry".to_owned(), result: a + b + c }
    }
}

/// A controller of another namespace; the same event may mean something else there.
#[derive(Debug)]
pub(crate) struct Test;

#[ws_controller("/test")]
impl Test {
    #[on_message("myEvent")]
    #[emit("myEventResult")]
    async fn my_event(&self) -> &'static str {
        "hello world"
    }
}

#[cfg(test)]
mod tests {
    use sio_client::ClientError;
    use sio_client::test::{TestClient, TestServer};

    use super::*;

    /// This test and its controller stand in the README.
    #[actix_web::test]
    async fn sums() -> Result<(), ClientError> {
        let srv = TestServer::start(Io::builder().mount(Hello).build()).await;
        let client = TestClient::connect(&srv, "/").await?;

        let result = client.once::<Answer>("myEventResult"); // listens from here on
        client.emit("myEvent", (1, 2, 3)).await?;
        assert_eq!(result.await?.result, 6);

        let ack: Answer = client.emit_with_ack("myEvent", (1, 2, 3)).await?;
        assert_eq!(ack.result, 6);
        Ok(())
    }

    #[actix_web::test]
    async fn a_handler_is_a_method() {
        assert_eq!(Hello.my_event(1, 2, 3).await.result, 6);
    }
}
