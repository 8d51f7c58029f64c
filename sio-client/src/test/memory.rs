//! The server without a port: actix's HTTP service over pipes in memory, on this thread.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_service::{Service as _, ServiceFactory as _, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use super::server::Routes;
use crate::engine::stream::{ByteStream, ConnectFuture, Connector};

/// Bytes one direction of a pipe holds, about as much as a socket.
const PIPE: usize = 64 * 1024;

/// Opens pipes to the server.
pub(crate) struct MemoryConnector(mpsc::UnboundedSender<DuplexStream>);

impl Connector for MemoryConnector {
    fn connect(&self, _host: &str, _port: u16) -> ConnectFuture {
        let (ours, theirs) = duplex(PIPE);
        let result = match self.0.send(theirs) {
            Ok(()) => Ok(Box::new(ours) as Box<dyn ByteStream>),
            Err(_) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the server stopped")),
        };
        Box::pin(std::future::ready(result))
    }
}

/// The task that accepts; aborted when dropped, with all connections.
pub(crate) struct MemoryServer(tokio::task::JoinHandle<()>);

impl Drop for MemoryServer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn start(routes: &[Routes]) -> (MemoryServer, Arc<MemoryConnector>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut app = App::new();
    for routes in routes {
        let routes = Arc::clone(routes);
        app = app.configure(move |config| routes(config));
    }
    let task = actix_rt::spawn(async move {
        let factory = HttpService::build()
            .h1_allow_half_closed(false)
            // actix reckons these by the system's clock: seconds after a paused one went ahead, a connection
            // would be late from its start.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(Duration::ZERO)
            .keep_alive(KeepAlive::Os)
            .h1(map_config(app, |()| AppConfig::default()));
        let Ok(service) = factory.new_service(()).await else {
            return;
        };
        let service = Rc::new(service);
        // Dropped with this task, the set aborts its connections.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                stream = receiver.recv() => {
                    let Some(stream) = stream else { break };
                    let serving = service.call((stream, None));
                    connections.spawn_local(async move {
                        if let Err(error) = serving.await {
                            tracing::debug!(%error, "connection ended");
                        }
                    });
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        while connections.join_next().await.is_some() {}
    });
    (MemoryServer(task), Arc::new(MemoryConnector(sender)))
}
