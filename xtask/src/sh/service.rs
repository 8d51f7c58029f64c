//! A program that runs beside others until it is told to stop, such as a server.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use super::{Cmd, GRACE, Group};

/// Until it says that it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// It is ended when this is dropped.
pub(crate) struct Service {
    pid: u32,
    group: Option<Group>,
    /// Closed when it has ended.
    ended: mpsc::Receiver<()>,
    /// The line it said that it is ready with.
    pub(crate) ready: String,
}

impl Service {
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let Some(group) = self.group.take() else { return };
        group.signal("TERM");
        // Nothing is ever sent: either it has ended, or the time is over.
        let _ended = self.ended.recv_timeout(GRACE);
        group.end();
        let _ended = self.ended.recv_timeout(GRACE);
    }
}

impl Cmd {
    /// Starts it and waits for a line on its standard output that holds `ready`.
    pub(crate) fn start(mut self, ready: &str) -> Result<Service, String> {
        self.inner.stdout(Stdio::piped()).stderr(Stdio::null());
        let (mut child, group) = Group::start(&mut self.inner)
            .map_err(|e| format!("`{}` does not start: {e}", self.shown))?;
        let (said, lines) = mpsc::channel();
        let output = child.stdout.take();
        // Reads to the end, so that the program never waits for us.
        std::thread::spawn(move || {
            for line in output.map(BufReader::new).into_iter().flat_map(BufReader::lines) {
                let Ok(line) = line else { return };
                drop(said.send(line));
            }
        });
        let (alive, ended) = mpsc::channel::<()>();
        let pid = child.id();
        std::thread::spawn(move || {
            drop(child.wait());
            drop(alive);
        });
        let mut service = Service { pid, group: Some(group), ended, ready: String::new() };
        loop {
            match lines.recv_timeout(READY_LIMIT) {
                Ok(line) if line.contains(ready) => {
                    service.ready = line;
                    return Ok(service);
                }
                Ok(_) => {}
                Err(_) => return Err(format!("`{}` did not say `{ready}`", self.shown)),
            }
        }
    }
}
