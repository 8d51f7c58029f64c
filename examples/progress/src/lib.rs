//! The server of the example: `job` is what a connection has done for it, `upload` a file on its way.

mod job;
mod upload;

use actix_web::rt;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use sio_actix::Cors;
use sio_actix::prelude::*;

pub use job::Jobs;
use upload::{Announcement, Receipt, Upload};

/// The Socket.IO server, for a page of another origin: the dev server has a port of its own.
#[must_use]
pub fn socket_io(page: &str, jobs: Data<Jobs>) -> Io {
    Io::builder().cors(Cors::list([page])).data(jobs).mount_scoped::<Session>().build()
}

/// What one connection has.
#[derive(Debug, Default)]
struct Session {
    job: Option<JoinHandle<()>>,
    upload: Option<Upload>,
}

#[ws_controller("/", scope = connection)]
impl Session {
    /// The job begins with the connection. It is a task of its own: events wait until this method is through.
    #[on_connection]
    fn connected(&mut self, socket: Socket, jobs: Data<Jobs>) {
        self.job = Some(rt::spawn(job::run(socket, jobs)));
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

    /// A file begins; one that was not complete is forgotten.
    #[on_message("file")]
    fn begin(&mut self, file: Announcement) -> Result<(), EventError> {
        self.upload = None;
        self.upload = Some(Upload::new(&file)?);
        Ok(())
    }

    /// The next piece. The client sends the one behind it when this one is answered, so that no more than one is on
    /// its way.
    #[on_message("chunk")]
    fn chunk(&mut self, offset: u64, bytes: Binary) -> Result<Receipt, EventError> {
        // After a mistake it does not come back: the client has to begin again.
        let upload = self.upload.take();
        let mut upload =
            upload.ok_or_else(|| EventError::new("no_file", "no file was announced"))?;
        let receipt = upload.add(offset, &bytes)?;
        if receipt.sha256.is_none() {
            self.upload = Some(upload);
        }
        Ok(receipt)
    }
}
