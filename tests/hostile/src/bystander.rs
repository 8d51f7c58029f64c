//! A client that only echoes, while others attack.

use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use integration::Ws;

/// Time between two echoes.
const PERIOD: Duration = Duration::from_millis(50);
/// No echo of a bystander waits longer.
const LONGEST: Duration = Duration::from_secs(1);

/// One echo every 50 ms on a session of its own, on a thread of its own.
///
/// It loses nothing and never waits for a second; [`Self::unharmed`] ends it and says so.
#[derive(Debug)]
pub struct Bystander {
    stop: Sender<()>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Bystander {
    /// Joins `/`, where `echo` acks its arguments, and begins; the first echo is back when this returns.
    pub fn watch(address: SocketAddr) -> Self {
        let (stop, stopped) = channel();
        let (began, begins) = channel();
        let thread = std::thread::spawn(move || {
            let mut ws = Ws::joined_at(address);
            let mut waits = Vec::new();
            loop {
                let round = waits.len();
                let sent = Instant::now();
                ws.text(&format!(r#"42{round}["echo",{round}]"#));
                ws.expect_through_pings(&format!("43{round}[{round}]"));
                waits.push(sent.elapsed());
                // Nobody waits for it any more after the first.
                let _told = began.send(());
                match stopped.recv_timeout(PERIOD.saturating_sub(sent.elapsed())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return waits,
                }
            }
        });
        begins.recv().expect("the bystander is served");
        Self { stop, thread }
    }

    /// Ends it: every echo came back, and none took a second.
    #[track_caller]
    pub fn unharmed(self) {
        // It may have failed, which the join tells.
        let _ended = self.stop.send(());
        let waits = self.thread.join().expect("the bystander lost something");
        let longest = waits.iter().max().expect("the first echo is there");
        assert!(*longest < LONGEST, "of {} echoes one took {longest:?}", waits.len());
    }
}
