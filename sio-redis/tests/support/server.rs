use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Client, Cmd, FromRedisValue};

use super::{soon, until_async};

/// A Redis on a free port, without files; ends with the test.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    process: Option<Child>,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Somebody may take the port in between.
        for _ in 0..10 {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let folder = std::env::temp_dir()
                .join(format!("sio-redis-test-{}-{number}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            let mut server = Self { port: free_port(), process: None, folder, arguments };
            if server.restart().await {
                return server;
            }
        }
        panic!("no redis-server could be started");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it on its port, with nothing in it but its place in a Redis Cluster; whether it is there.
    pub(crate) async fn restart(&mut self) -> bool {
        assert!(self.process.is_none(), "it is running");
        let process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(&self.arguments)
            .arg("--dir")
            .arg(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.process = Some(process);
        let pid = self.process.as_ref().unwrap().id();
        soon("redis-server", async {
            loop {
                if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                    self.process = None;
                    return false;
                }
                if let Ok(mut connection) = self.connect().await {
                    let mut command = Cmd::new();
                    command.arg("INFO").arg("server");
                    let info: Result<String, _> = command.query_async(&mut connection).await;
                    if info.is_ok_and(|info| info.contains(&format!("process_id:{pid}\r"))) {
                        return true;
                    }
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// It does not run, but its connections stay.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().expect("it is running").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) async fn connect(
        &self,
    ) -> deadpool_redis::redis::RedisResult<MultiplexedConnection> {
        Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    /// Asks it something.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connect().await.unwrap();
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    pub(crate) async fn publish(&self, channel: &str, payload: &[u8]) -> i64 {
        self.say("PUBLISH", channel, payload).await
    }

    pub(crate) async fn spublish(&self, channel: &str, payload: &[u8]) -> i64 {
        self.say("SPUBLISH", channel, payload).await
    }

    async fn say(&self, how: &str, channel: &str, payload: &[u8]) -> i64 {
        let mut connection = self.connect().await.unwrap();
        let mut command = Cmd::new();
        command.arg(how).arg(channel).arg(payload);
        command.query_async(&mut connection).await.unwrap()
    }

    /// Ends the connections of all others.
    pub(crate) async fn cut_all(&self) {
        let _: i64 = self.ask(&["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"]).await;
        let _: i64 = self.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    }

    /// Waits until so many connections hear a channel.
    pub(crate) async fn until_heard(&self, channel: &str, count: i64) {
        self.until_counted("NUMSUB", channel, count).await;
    }

    /// Waits until a stream has so many entries.
    pub(crate) async fn until_len(&self, stream: &str, len: i64) {
        until_async(&format!("{len} entries in {stream}"), || async {
            self.ask::<i64>(&["XLEN", stream]).await == len
        })
        .await;
    }

    /// As [`Self::until_heard`], for a channel of a shard.
    pub(crate) async fn until_shard_heard(&self, channel: &str, count: i64) {
        self.until_counted("SHARDNUMSUB", channel, count).await;
    }

    async fn until_counted(&self, how: &str, channel: &str, count: i64) {
        until_async(&format!("{count} on {channel}"), || async {
            let (_, found): (String, i64) = self.ask(&["PUBSUB", how, channel]).await;
            found == count
        })
        .await;
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _gone = process.kill();
            let _status = process.wait();
        }
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
