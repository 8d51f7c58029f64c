//! The process groups of the programs that run now: a step, and the servers it needs.
//!
//! Each is ended by its id when a deadline passes, when its leader has exited and left something
//! running, and when xtask itself is told to stop.

use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use super::lock;

static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

pub(super) struct Group {
    id: u32,
}

impl Group {
    /// Starts the program as the leader of a new group.
    pub(super) fn start(program: &mut Command) -> io::Result<(Child, Self)> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(program, 0);
        let mut running = lock(&RUNNING);
        let child = program.spawn()?;
        let id = child.id();
        running.push(id);
        Ok((child, Self { id }))
    }

    pub(super) fn signal(&self, name: &str) {
        signal(self.id, name);
    }

    /// The leader is gone; what it started must not outlive it.
    pub(super) fn end(self) {
        self.signal("KILL");
        lock(&RUNNING).retain(|running| *running != self.id);
    }
}

/// A person who presses Ctrl-C, or a CI that gives up, ends the running programs too.
pub(crate) fn end_children_with_us() {
    #[cfg(unix)]
    if let Ok(mut signals) = signal_hook::iterator::Signals::new([1, 2, 15]) {
        std::thread::spawn(move || {
            if let Some(number) = signals.forever().next() {
                // The lock stays held: nothing new starts from here on.
                let running = lock(&RUNNING);
                for id in running.iter() {
                    signal(*id, "TERM");
                }
                #[expect(clippy::exit, reason = "the task is over, whatever it was doing")]
                std::process::exit(128 + number);
            }
        });
    }
}

/// Signals a process group by its id; one that is gone already is no error.
fn signal(id: u32, name: &str) {
    let script = format!("kill -s {name} -- -{id}");
    let mut kill = Command::new("sh");
    kill.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _gone_already = kill.status();
}
