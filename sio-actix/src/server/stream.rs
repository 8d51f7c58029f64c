//! What a connection is made of, by listener.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_rt::net::TcpStream;
#[cfg(unix)]
use actix_rt::net::UnixStream;
#[cfg(feature = "openssl")]
use actix_tls::accept::openssl;
#[cfg(feature = "rustls-0_23")]
use actix_tls::accept::rustls_0_23 as rustls;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The stream of one connection; what TLS needs lies behind a pointer, so that the others stay small.
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(feature = "rustls-0_23")]
    Rustls(Box<rustls::TlsStream<TcpStream>>),
    #[cfg(feature = "openssl")]
    Openssl(Box<openssl::TlsStream<TcpStream>>),
}

impl Stream {
    /// What `on_connect` of the application is shown: the type that `HttpServer` shows.
    pub(super) fn shown(&self) -> &dyn Any {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
            #[cfg(feature = "rustls-0_23")]
            Self::Rustls(stream) => &**stream,
            #[cfg(feature = "openssl")]
            Self::Openssl(stream) => &**stream,
        }
    }

    /// Its end has to be said, and not only to be had.
    pub(crate) const fn is_tls(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            #[cfg(unix)]
            Self::Unix(_) => false,
            #[cfg(feature = "rustls-0_23")]
            Self::Rustls(_) => true,
            #[cfg(feature = "openssl")]
            Self::Openssl(_) => true,
        }
    }

    /// Writes what can be written at once, without waiting; never over TLS.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_write(bytes),
            #[cfg(feature = "rustls-0_23")]
            Self::Rustls(_) => Err(io::ErrorKind::WouldBlock.into()),
            #[cfg(feature = "openssl")]
            Self::Openssl(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The connection below TLS.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            #[cfg(unix)]
            Self::Unix(_) => None,
            #[cfg(feature = "rustls-0_23")]
            Self::Rustls(stream) => Some(stream.get_ref().0),
            #[cfg(feature = "openssl")]
            Self::Openssl(stream) => Some(stream.get_ref()),
        }
    }
}

impl Stream {
    /// When this is dropped, what the peer has not taken is forgotten, and the system keeps nothing for it.
    pub(crate) fn reset_on_drop(&self) {
        if let Some(tcp) = self.tcp()
            && let Err(error) = tcp.set_zero_linger()
        {
            tracing::debug!(%error, "a connection could not be reset");
        }
    }
}

/// Calls a method of the stream that is there.
macro_rules! each {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp(stream) => {
                let $io = Pin::new(stream);
                $call
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                let $io = Pin::new(stream);
                $call
            }
            #[cfg(feature = "rustls-0_23")]
            Stream::Rustls(stream) => {
                let $io = Pin::new(&mut **stream);
                $call
            }
            #[cfg(feature = "openssl")]
            Stream::Openssl(stream) => {
                let $io = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, parts))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }
}
