//! Connections that stall, end and are forgotten on command.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sio_client::{ByteStream, ConnectFuture, Connector};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// What one direction copies at once, and what the pipe to the client holds.
const CHUNK: usize = 16 * 1024;

/// What becomes of the connections of one client.
#[derive(Debug, Clone, Copy)]
enum Order {
    Flow,
    /// Nothing passes until then; the server's buffers fill.
    StallUntil(Instant),
    /// The stream is closed, with a reset or in order.
    End {
        reset: bool,
    },
    /// The client sees an end; the server sees nothing at all, for so long.
    Forget(Duration),
}

/// The connections of one client.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    address: SocketAddr,
    open: Arc<Mutex<Vec<watch::Sender<Order>>>>,
}

impl Lines {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, open: Arc::default() }
    }

    pub(crate) fn stall(&self, time: Duration) {
        self.order(Order::StallUntil(Instant::now() + time));
    }

    pub(crate) fn end(&self, reset: bool) {
        self.order(Order::End { reset });
    }

    pub(crate) fn forget(&self, time: Duration) {
        self.order(Order::Forget(time));
    }

    fn order(&self, order: Order) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|line| line.send(order).is_ok());
    }

    fn add(&self) -> watch::Receiver<Order> {
        let (sender, receiver) = watch::channel(Order::Flow);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|line| !line.is_closed());
        open.push(sender);
        receiver
    }
}

impl Connector for Lines {
    fn connect(&self, _host: &str, _port: u16) -> ConnectFuture {
        let lines = self.clone();
        Box::pin(async move {
            let stream = TcpStream::connect(lines.address).await?;
            stream.set_nodelay(true)?;
            let (near, far) = duplex(CHUNK);
            tokio::spawn(carry(stream, far, lines.add()));
            Ok(Box::new(near) as Box<dyn ByteStream>)
        })
    }
}

/// Moves bytes both ways until an end comes or is ordered.
async fn carry(
    mut stream: TcpStream,
    far: tokio::io::DuplexStream,
    orders: watch::Receiver<Order>,
) {
    let last = {
        let (from_server, to_server) = stream.split();
        let (from_client, to_client) = split(far);
        // What is copied in one direction does not wait for the other; the first end ends both.
        tokio::select! {
            last = pump(from_server, to_client, orders.clone()) => last,
            last = pump(from_client, to_server, orders) => last,
        }
    };
    match last {
        Order::End { reset: true } => {
            // A peer that vanishes. The stream ends anyway if the system does not want this.
            let _refused = stream.set_zero_linger();
        }
        Order::Forget(time) => sleep(time).await,
        Order::Flow | Order::StallUntil(_) | Order::End { reset: false } => {}
    }
}

/// Copies until the source ends or an order says so, and gives that order.
///
/// Orders are looked at between a read and its write too, and never instead of one: what was read is
/// written unless the connection is over, so a stall loses nothing.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut orders: watch::Receiver<Order>,
) -> Order {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match until_ended(&mut orders, from.read(&mut chunk)).await {
            Ok(Ok(read @ 1..)) => read,
            Ok(_) => return Order::Flow,
            Err(order) => return order,
        };
        let part = chunk.get(..read).unwrap_or_default();
        match until_ended(&mut orders, to.write_all(part)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Order::Flow,
            Err(order) => return order,
        }
    }
}

/// Runs a step of a copy; stalls before it, and breaks off only for an order that ends the connection.
async fn until_ended<T>(
    orders: &mut watch::Receiver<Order>,
    step: impl Future<Output = io::Result<T>>,
) -> Result<io::Result<T>, Order> {
    tokio::pin!(step);
    loop {
        let order = *orders.borrow_and_update();
        match order {
            Order::End { .. } | Order::Forget(_) => return Err(order),
            Order::StallUntil(end) if end > Instant::now() => {
                tokio::select! {
                    () = sleep_until(end) => {}
                    changed = orders.changed() => if changed.is_err() { return Err(Order::Flow) },
                }
            }
            Order::Flow | Order::StallUntil(_) => {
                tokio::select! {
                    done = &mut step => return Ok(done),
                    changed = orders.changed() => if changed.is_err() { return Err(Order::Flow) },
                }
            }
        }
    }
}
