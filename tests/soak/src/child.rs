//! The server's process.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::hall::Report;
use crate::options::Options;

/// Longest wait for a report: the server is asked while the crowd is there, too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it ends with its value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// What its process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) memory: usize,
    pub(crate) descriptors: usize,
}

impl Server {
    pub(crate) async fn start(options: &Options) -> Result<Self, String> {
        let fault = |error: std::io::Error| format!("the server does not start: {error}");
        let program = std::env::current_exe().map_err(fault)?;
        let mut command = Command::new(program);
        command.args(options.for_server()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(fault)?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).await.map_err(fault)?;
        let address = line.trim().strip_prefix("listening on ").and_then(|a| a.parse().ok());
        let address = address.ok_or_else(|| format!("the server says {line:?}"))?;
        Ok(Self { child, address })
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn held(&self) -> Result<Held, String> {
        let pid = self.child.id().ok_or("the server has ended")?;
        let fault = |error: std::io::Error| format!("/proc/{pid}: {error}");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(fault)?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.trim().strip_suffix(" kB"));
        let memory = kib.and_then(|kib| kib.parse::<usize>().ok()).ok_or("no VmRSS")? * 1024;
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(fault)?.count();
        Ok(Held { memory, descriptors })
    }

    pub(crate) async fn report(&self) -> Result<Report, String> {
        let ask = async {
            let mut stream = TcpStream::connect(self.address).await?;
            stream.write_all(b"GET /report HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(PATIENCE, ask).await.map_err(|_late| "no report in time")?;
        let answer = answer.map_err(|error| format!("no report: {error}"))?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("a report without a head")?;
        serde_json::from_str(body).map_err(|error| format!("not a report: {error}"))
    }
}
