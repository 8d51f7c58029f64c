//! What a cluster needs beside its nodes: a Redis, and something that leads clients to a node that lives.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use integration::DEADLINE;

/// A Redis on a socket in a folder of its own; ends with the test.
#[derive(Debug)]
pub struct Redis {
    child: Child,
    folder: PathBuf,
}

impl Redis {
    /// Starts it; it answers when this returns.
    pub fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sio-hostile-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("redis");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let redis = Self { child, folder };
        let end = Instant::now() + DEADLINE;
        while !redis.answers() {
            assert!(Instant::now() < end, "redis-server does not answer");
            pause();
        }
        redis
    }

    fn answers(&self) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.folder.join("redis")) else { return false };
        let mut answer = [0; 5];
        socket.write_all(b"PING\r\n").is_ok()
            && socket.read_exact(&mut answer).is_ok()
            && answer == *b"+PONG"
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.join("redis").display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        self.child.wait().unwrap();
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}

/// Leads each connection to the first node of a list that takes it.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    nodes: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    /// Listens on a free port; it ends with the process.
    pub fn before(nodes: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let nodes = Arc::new(Mutex::new(nodes));
        let list = Arc::clone(&nodes);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let nodes = list.lock().unwrap().clone();
                // The next client begins with another node.
                list.lock().unwrap().rotate_left(1);
                if let Some(node) = nodes.iter().find_map(|node| TcpStream::connect(node).ok()) {
                    let (to, from) = (node.try_clone().unwrap(), client.try_clone().unwrap());
                    std::thread::spawn(move || forward(client, to));
                    std::thread::spawn(move || forward(node, from));
                }
            }
        });
        Self { address, nodes }
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Another list for connections that come.
    pub fn lead_to(&self, nodes: Vec<SocketAddr>) {
        *self.nodes.lock().unwrap() = nodes;
    }
}

/// Until either side ends; then both do.
fn forward(mut from: TcpStream, mut to: TcpStream) {
    let _ended = std::io::copy(&mut from, &mut to);
    let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[expect(clippy::disallowed_methods, reason = "a step between looks, under a deadline")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
