//! The server of the example.

use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::rt::{self, time};
use serde::Deserialize;
use sio_actix::Cors;
use sio_actix::prelude::*;

/// Time between two per cent of the job.
const STEP: Duration = Duration::from_millis(100);
/// The largest file, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The Socket.IO server, for a page of another origin: the dev server has a port of its own.
#[must_use]
pub fn socket_io(page: &str) -> Io {
    Io::builder().cors(Cors::list([page])).mount_scoped::<Session>().build()
}

/// What one connection has: a job, and a file that is being uploaded.
#[derive(Debug, Default)]
struct Session {
    job: Option<JoinHandle<()>>,
    file: Option<File>,
}

#[derive(Debug)]
struct File {
    size: u64,
    received: u64,
}

/// A file that is to come.
#[derive(Debug, Deserialize)]
struct Announcement {
    name: String,
    size: u64,
}

#[ws_controller("/", scope = connection)]
impl Session {
    /// The job begins with the connection. It is a task of its own, because events wait for this method.
    #[on_connection]
    fn connected(&mut self, socket: Socket) {
        self.job = Some(rt::spawn(work(socket)));
    }

    /// And it ends with the connection.
    #[on_disconnect]
    fn disconnected(&mut self) {
        if let Some(job) = self.job.take() {
            job.abort();
        }
    }

    #[on_message("message")]
    #[emit("message")]
    fn echo(&self, text: String) -> String {
        format!("[Echo] You sent -> {text}")
    }

    #[on_message("file")]
    fn begin(&mut self, file: Announcement) -> Result<(), EventError> {
        if file.size == 0 || file.size > MAX_FILE {
            return Err(EventError::new("size", format!("{} is empty, or too large", file.name)));
        }
        self.file = Some(File { size: file.size, received: 0 });
        Ok(())
    }

    /// The next piece; the answer is how much of the file is here, in per cent. A real server would write it.
    #[on_message("chunk")]
    fn chunk(&mut self, bytes: Binary) -> Result<u64, EventError> {
        let file =
            self.file.as_mut().ok_or_else(|| EventError::new("no_file", "say `file` first"))?;
        file.received = file.received.saturating_add(bytes.len() as u64);
        if file.received > file.size {
            self.file = None;
            return Err(EventError::new("size", "more came than was said"));
        }
        let percent = file.received * 100 / file.size;
        if file.received == file.size {
            self.file = None;
        }
        Ok(percent)
    }
}

/// Something that takes ten seconds.
async fn work(socket: Socket) {
    for percent in 0..=100 {
        // The job goes on without somebody who looks on, until the connection's end ends it.
        let _gone = socket.emit("progress", percent);
        let _gone = socket.send(format!("{percent}%: this could be a log"));
        time::sleep(STEP).await;
    }
    let _gone = socket.send("Done");
    socket.disconnect(false);
}
