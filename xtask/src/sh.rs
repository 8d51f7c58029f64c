//! Running other programs: output streamed and kept, a deadline on each, nothing left behind.
//!
//! Every program leads a process group of its own (`group`), which is ended by its id.

mod group;
mod output;
mod service;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use group::Group;
pub(crate) use group::end_children_with_us;
use output::{plain, pump};
pub(crate) use service::Service;

/// What one step may take unless it says otherwise.
const STEP_LIMIT: Duration = Duration::from_secs(20 * 60);
/// Between asking a group to end and ending it.
const GRACE: Duration = Duration::from_secs(10);
/// For the last output of a program that has exited.
const DRAIN: Duration = Duration::from_secs(5);

/// A program to run, from the repository's root unless told otherwise.
pub(crate) struct Cmd {
    inner: Command,
    shown: String,
    limit: Duration,
}

/// How a program ended.
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    /// Standard output and error in the order they arrived, without colours.
    pub(crate) text: String,
    /// One line for the reader; empty when all went well.
    pub(crate) why: String,
}

impl Cmd {
    pub(crate) fn new(program: &str) -> Self {
        let mut inner = Command::new(program);
        inner.current_dir(root()).stdin(Stdio::null());
        Self { inner, shown: program.to_owned(), limit: STEP_LIMIT }
    }

    /// The cargo that runs us; coloured when a person watches.
    pub(crate) fn cargo() -> Self {
        let mut cmd = Self::new(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
        "cargo".clone_into(&mut cmd.shown);
        if std::io::stdout().is_terminal() {
            cmd = cmd.env("CARGO_TERM_COLOR", "always");
        }
        cmd
    }

    /// Arguments, separated by spaces.
    pub(crate) fn args(mut self, line: &str) -> Self {
        for word in line.split_whitespace() {
            self = self.arg(word);
        }
        self
    }

    /// One argument, as it is.
    pub(crate) fn arg(mut self, word: &str) -> Self {
        self.shown = format!("{} {word}", self.shown);
        self.inner.arg(word);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.inner.current_dir(dir);
        self
    }

    pub(crate) const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it, shows its output and keeps it.
    pub(crate) fn run(self) -> Outcome {
        println!("\n$ {}", self.shown);
        self.execute(true)
    }

    /// Runs it quietly; what it said is there, however it ended.
    pub(crate) fn quiet(self) -> Outcome {
        self.execute(false)
    }

    /// Runs it quietly; standard output and error, or why it failed.
    pub(crate) fn output(self) -> Result<String, String> {
        let out = self.limit(Duration::from_secs(300)).execute(false);
        if out.ok { Ok(out.text) } else { Err(format!("{}\n{}", out.why, out.text.trim_end())) }
    }

    fn execute(mut self, show: bool) -> Outcome {
        let failed = |why: String| Outcome { ok: false, text: String::new(), why };
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, group) = match Group::start(&mut self.inner) {
            Ok(started) => started,
            Err(e) => return failed(format!("`{}` does not start: {e}", self.shown)),
        };
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (drained, all_read) = mpsc::channel::<()>();
        if let Some(from) = child.stdout.take() {
            pump(from, show.then(std::io::stdout), &kept, &drained);
        }
        if let Some(from) = child.stderr.take() {
            pump(from, show.then(std::io::stderr), &kept, &drained);
        }
        drop(drained);
        let why = wait(child, &group, self.limit, &self.shown);
        group.end();
        while all_read.recv_timeout(DRAIN).is_ok() {}
        let text = plain(&String::from_utf8_lossy(&lock(&kept)));
        Outcome { ok: why.is_empty(), text, why }
    }
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// The program of this name on the search path.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn wait(mut child: Child, group: &Group, limit: Duration, shown: &str) -> String {
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    match end.recv_timeout(limit) {
        Ok(Ok(status)) if status.success() => String::new(),
        Ok(Ok(status)) => format!("`{shown}`: {status}"),
        Ok(Err(e)) => format!("`{shown}`: {e}"),
        Err(_) => {
            group.signal("TERM");
            if end.recv_timeout(GRACE).is_err() {
                group.signal("KILL");
            }
            format!("`{shown}` was ended: more than {} seconds", limit.as_secs())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests;
