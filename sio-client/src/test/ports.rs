//! The server on a port: `sio_actix::Server` on threads of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::App;
use actix_web::dev::ServerHandle;
use sio_actix::Server;
use tokio::sync::oneshot;

use super::server::Routes;

/// A running server; stopped when dropped.
pub(crate) struct PortServer {
    pub(crate) address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

pub(crate) async fn start(
    routes: Vec<Routes>,
    port: u16,
    workers: usize,
) -> io::Result<PortServer> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    let (started, handle) = oneshot::channel();
    let thread = std::thread::Builder::new().name("test server".to_owned()).spawn(move || {
        actix_rt::System::new().block_on(async move {
            let app = move || {
                let mut app = App::new();
                for routes in &routes {
                    let routes = Arc::clone(routes);
                    app = app.configure(move |config| routes(config));
                }
                app
            };
            let server = Server::new(app)
                .workers(workers)
                .h1_allow_half_closed(false)
                .disable_signals()
                .listen(listener);
            match server {
                Ok(server) => {
                    let server = server.run();
                    // Nobody waits any more only if the test is over.
                    let _over = started.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "the test server failed");
                    }
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    })?;
    let handle = handle.await.map_err(io::Error::other)??;
    Ok(PortServer { address, handle, thread: Some(thread) })
}

impl PortServer {
    /// Waits until the port is free.
    pub(crate) async fn stop(mut self) {
        self.handle.stop(false).await;
        if let Some(thread) = self.thread.take() {
            let _panicked = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }
}

impl Drop for PortServer {
    fn drop(&mut self) {
        // The command is sent at once; waiting is for `stop`.
        drop(self.handle.stop(false));
    }
}
