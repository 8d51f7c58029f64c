//! A server that says what a test wants, byte for byte.

use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with a request.
pub(crate) enum Reply {
    /// Answers with these bytes and reads on.
    Bytes(Vec<u8>),
    /// Answers with these bytes and closes.
    Last(Vec<u8>),
    /// Says nothing.
    Silence,
}

/// Stops when dropped.
pub(crate) struct RawServer {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RawServer {
    /// `answer` gets head and body of each request.
    pub(crate) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move { serve(stream, &*answer).await });
            }
        });
        Self { url, task }
    }
}

async fn serve(mut stream: TcpStream, answer: &(dyn Fn(&str) -> Reply + Send + Sync)) {
    let mut input = Vec::new();
    loop {
        let Some(request) = take_request(&mut input) else {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(len) => input.extend_from_slice(&chunk[..len]),
            }
            continue;
        };
        match answer(&request) {
            Reply::Bytes(bytes) => drop(stream.write_all(&bytes).await),
            Reply::Last(bytes) => return drop(stream.write_all(&bytes).await),
            Reply::Silence => pending().await,
        }
    }
}

fn take_request(input: &mut Vec<u8>) -> Option<String> {
    let text = String::from_utf8_lossy(input).into_owned();
    let end = text.find("\r\n\r\n")? + 4;
    let length = text[..end].to_ascii_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length:").and_then(|value| value.trim().parse::<usize>().ok())
    });
    let end = end + length.unwrap_or_default();
    if input.len() < end {
        return None;
    }
    Some(String::from_utf8_lossy(&input.drain(..end).collect::<Vec<u8>>()).into_owned())
}

/// An answer with status 200.
pub(crate) fn ok(body: &str) -> Reply {
    status(200, body)
}

pub(crate) fn status(status: u16, body: &str) -> Reply {
    let len = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {len}\r\n\r\n{body}");
    Reply::Bytes(head.into_bytes())
}

/// The open packet of a session that cannot be upgraded.
pub(crate) const OPEN: &str =
    r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
