//! The process under attack.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use integration::{DEADLINE, stock};

use crate::Bystander;
use crate::cluster::pause;

/// A plain echo server with default limits in a process of its own; dropping it ends the process.
#[derive(Debug)]
pub struct Target {
    child: Child,
    address: SocketAddr,
}

impl Target {
    /// Starts the binary `target` of this package, at `path`, with flags.
    ///
    /// Tests have the path in `env!("CARGO_BIN_EXE_target")`. As [`integration::Server`], it is the server of
    /// actix-web where the environment says so.
    pub fn start(path: &str, flags: &[&str]) -> Self {
        let mut command = Command::new(path);
        command.args(flags);
        if stock() && !flags.contains(&"--stock") {
            command.arg("--stock");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, address }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A bystander of this server.
    pub fn bystander(&self) -> Bystander {
        Bystander::watch(self.address)
    }

    /// Tells it to end in order, and waits until it has.
    #[track_caller]
    pub fn stop(mut self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let end = Instant::now() + DEADLINE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            pause();
        }
        assert!(self.child.wait().unwrap().success());
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: usize = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        kib * 1024
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Waits until as many descriptors are open, which is how a test knows that all connections are gone.
    #[track_caller]
    pub fn expect_descriptors(&self, count: usize) {
        let end = Instant::now() + DEADLINE;
        while self.descriptors() > count {
            assert!(Instant::now() < end, "{} descriptors, not {count}", self.descriptors());
            pause();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}
