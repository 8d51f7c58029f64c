//! The kinds of servers a test runs on.

use std::fmt;
use std::time::Duration;

use sio_actix::{Io, IoBuilder};
use sio_client::ClientError;
use sio_client::test::{TestClient, TestServer};

use tokio::time::timeout;

use crate::DEADLINE;
use crate::fence::Fence;

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a harness")]
pub enum Back {
    /// On the test's thread, over pipes.
    Memory,
    /// On a port of this machine.
    Port {
        /// Worker threads.
        workers: usize,
    },
}

impl Back {
    /// For tests that order between connections does not matter to.
    pub const BOTH: [Self; 2] = [Self::Memory, Self::Port { workers: 1 }];
    /// For tests of order, and of what goes from one worker to another.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Port { workers: 1 }, Self::Port { workers: 2 }];

    /// Starts a server that also answers [`fence`](crate::fence) in `/`.
    pub async fn start(self, builder: IoBuilder) -> TestServer {
        self.start_plain(builder.mount(Fence).build()).await
    }

    /// Starts a server as it is.
    pub async fn start_plain(self, io: Io) -> TestServer {
        // Shown if the test fails.
        println!("{self}");
        match self {
            Self::Memory => TestServer::memory(io).await,
            Self::Port { workers } => TestServer::builder(io).workers(workers).start().await,
        }
    }

    /// Starts a server as [`Self::start`] does, with one client in `/`.
    pub async fn connect(
        self,
        builder: IoBuilder,
    ) -> Result<(TestServer, TestClient), ClientError> {
        let srv = self.start(builder).await;
        let client = TestClient::connect(&srv, "/").await?;
        Ok((srv, client))
    }
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in memory"),
            Self::Port { workers } => write!(f, "on a port with {workers} worker(s)"),
        }
    }
}

/// Ends a turn: the clients are dropped, and the server must not keep anything of them.
pub async fn end(srv: TestServer, clients: impl Sized) {
    drop(clients);
    srv.stop().await;
}

/// Waits until the server has noticed that all clients are gone.
pub async fn without_sessions(srv: &TestServer) {
    let gone = async {
        while srv.io().inventory().await.sessions > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(DEADLINE, gone).await.expect("a session is left");
}
