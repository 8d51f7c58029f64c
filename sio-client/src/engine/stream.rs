//! Byte streams to the server: who opens them, and TLS on top.
//!
//! Both transports take their streams from here, so that everything above runs alike over TCP, TLS
//! and a pipe in memory. A stream knows nothing of HTTP.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::endpoint::Endpoint;

/// A connection to a server, as bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// What a [`Connector`] gives back.
pub type ConnectFuture = Pin<Box<dyn Future<Output = io::Result<Box<dyn ByteStream>>> + Send>>;

/// Opens byte streams to a server: TCP by default, or a proxy, a Unix socket, a pipe in memory.
///
/// Polling opens up to two streams at a time, WebSocket one; an upgrade has both for a moment. Streams
/// are plain: TLS is added by the client.
pub trait Connector: Send + Sync + 'static {
    /// Opens a stream; `host` and `port` are those of the URL. The caller limits the time.
    fn connect(&self, host: &str, port: u16) -> ConnectFuture;
}

/// Connects by TCP, with Nagle's algorithm off.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect(&self, host: &str, port: u16) -> ConnectFuture {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Box::pin(async move {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

/// Opens streams to one endpoint.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: Arc<dyn Connector>,
    endpoint: Arc<Endpoint>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Dialer {
    pub(crate) fn new(
        connector: Arc<dyn Connector>,
        endpoint: Arc<Endpoint>,
        #[cfg(feature = "tls")] tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    ) -> Self {
        Self {
            connector,
            endpoint,
            #[cfg(feature = "tls")]
            tls,
        }
    }

    pub(crate) const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    pub(crate) async fn dial(self) -> io::Result<Box<dyn ByteStream>> {
        let plain = self.connector.connect(&self.endpoint.host, self.endpoint.port).await?;
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls {
            let host = self.endpoint.host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = tokio_rustls::rustls::pki_types::ServerName::try_from(host)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let stream = tokio_rustls::TlsConnector::from(tls).connect(name, plain).await?;
            return Ok(Box::new(stream));
        }
        Ok(plain)
    }
}
