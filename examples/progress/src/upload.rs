//! A file that comes piece by piece.

use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sio_actix::prelude::*;

/// The largest file, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A file that is to come.
#[derive(Debug, Deserialize)]
pub(crate) struct Announcement {
    name: String,
    size: u64,
}

/// How much of the file is here, and when it is complete what it was.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt {
    percent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

/// A file on its way. Another server would keep what comes; this one remembers its hash.
#[derive(Debug)]
pub(crate) struct Upload {
    size: u64,
    received: u64,
    hash: Sha256,
}

impl Upload {
    pub(crate) fn new(file: &Announcement) -> Result<Self, EventError> {
        if file.size == 0 || file.size > MAX_FILE {
            return Err(EventError::new("size", format!("{} is empty or too large", file.name)));
        }
        Ok(Self { size: file.size, received: 0, hash: Sha256::new() })
    }

    /// Takes the piece that begins at this byte.
    pub(crate) fn add(&mut self, offset: u64, bytes: &[u8]) -> Result<Receipt, EventError> {
        if offset != self.received {
            let expected = self.received;
            return Err(EventError::new(
                "order",
                format!("byte {expected} comes next, not {offset}"),
            ));
        }
        self.received += bytes.len() as u64;
        if self.received > self.size {
            return Err(EventError::new("size", "the file is longer than was said"));
        }
        self.hash.update(bytes);
        let complete = self.received == self.size;
        let hash = || Bytes::copy_from_slice(&self.hash.finalize_reset());
        let sha256 = complete.then(hash).map(|hash| format!("{hash:x}"));
        Ok(Receipt { percent: self.received * 100 / self.size, sha256 })
    }
}
