//! A round trip behind which everything sent before has arrived.

use sio_actix::prelude::*;
use sio_client::ClientError;
use sio_client::test::TestClient;

/// Answers `fence`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Fence;

#[ws_controller("/")]
impl Fence {
    #[on_message("fence")]
    fn fence(&self) {}
}

/// Waits until everything that the server has sent this client so far is there; with this no test has to
/// wait for the absence of an event.
pub async fn fence(client: &TestClient) -> Result<(), ClientError> {
    client.emit_with_ack::<()>("fence", ()).await
}
