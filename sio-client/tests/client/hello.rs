//! The first test of a user, as the design has it.

use sio_actix::Io;
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

fn sums_app() -> Io {
    Io::builder()
        .namespace("/", |ns| {
            ns.on("myEvent", async |s: sio_actix::Socket, a: i64, b: i64, c: i64| {
                s.emit("myEventResult", a + b + c).map(|()| a + b + c)
            });
        })
        .build()
}

async fn sums_on(srv: TestServer) -> Result<(), ClientError> {
    let client = TestClient::connect(&srv, "/").await?;
    let ack: i64 = client.emit_with_ack("myEvent", (1, 2, 3)).await?;
    assert_eq!(ack, 6);
    let result = client.once::<i64>("myEventResult");
    client.emit("myEvent", (1, 2, 3)).await?;
    assert_eq!(result.await?, 6);
    drop(client);
    srv.stop().await;
    Ok(())
}

#[actix_web::test]
async fn sums_over_tcp() -> Result<(), ClientError> {
    sums_on(TestServer::start(sums_app()).await).await
}

#[actix_web::test]
async fn sums_in_memory() -> Result<(), ClientError> {
    sums_on(TestServer::memory(sums_app()).await).await
}
