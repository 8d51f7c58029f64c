//! Faults of the network: streams that can be cut and stalled from outside.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::stream::{ByteStream, ConnectFuture, Connector};

#[derive(Default)]
struct State {
    /// Streams with a smaller or equal number are cut.
    cut: u64,
    last: u64,
    stalled: bool,
    /// Who has to notice a change.
    readers: HashMap<u64, Waker>,
}

/// What the streams of one client obey.
#[derive(Default)]
pub(crate) struct Switch(Mutex<State>);

impl Switch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops all streams that are open, without a goodbye.
    pub(crate) fn cut(&self) {
        self.change(|state| state.cut = state.last);
    }

    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.change(|state| state.stalled = stalled);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let readers = {
            let mut state = self.lock();
            change(&mut state);
            std::mem::take(&mut state.readers)
        };
        for reader in readers.into_values() {
            reader.wake();
        }
    }
}

/// Opens streams that obey a switch.
pub(crate) struct FaultyConnector {
    pub(crate) inner: Arc<dyn Connector>,
    pub(crate) switch: Arc<Switch>,
}

impl Connector for FaultyConnector {
    fn connect(&self, host: &str, port: u16) -> ConnectFuture {
        let connecting = self.inner.connect(host, port);
        let switch = Arc::clone(&self.switch);
        Box::pin(async move {
            let inner = Some(connecting.await?);
            let id = {
                let mut state = switch.lock();
                state.last += 1;
                state.last
            };
            Ok(Box::new(FaultyStream { inner, id, switch }) as Box<dyn ByteStream>)
        })
    }
}

struct FaultyStream {
    inner: Option<Box<dyn ByteStream>>,
    id: u64,
    switch: Arc<Switch>,
}

impl FaultyStream {
    /// The stream, unless it is cut.
    fn alive(&mut self) -> io::Result<Pin<&mut Box<dyn ByteStream>>> {
        if self.switch.lock().cut >= self.id {
            self.inner = None;
        }
        match &mut self.inner {
            Some(inner) => Ok(Pin::new(inner)),
            None => Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by the test")),
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let stalled = {
            let mut state = this.switch.lock();
            state.readers.insert(this.id, cx.waker().clone());
            state.stalled
        };
        let inner = this.alive()?;
        if stalled { Poll::Pending } else { inner.poll_read(cx, buf) }
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().alive()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().alive()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().alive()?.poll_shutdown(cx)
    }
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        self.switch.lock().readers.remove(&self.id);
    }
}
