//! What a program prints: shown as it comes, kept for the totals.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, mpsc};

use super::lock;

/// Copies a program's output to the terminal and keeps it, until the last writer closes it.
pub(super) fn pump(
    mut from: impl Read + Send + 'static,
    mut to: Option<impl Write + Send + 'static>,
    kept: &Arc<Mutex<Vec<u8>>>,
    drained: &mpsc::Sender<()>,
) {
    let (kept, drained) = (Arc::clone(kept), drained.clone());
    std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            let bytes = chunk.get(..n).unwrap_or_default();
            lock(&kept).extend_from_slice(bytes);
            if let Some(to) = &mut to {
                let _closed_terminal = to.write_all(bytes).and_then(|()| to.flush());
            }
        }
        drop(drained);
    });
}

/// The text without terminal escapes.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}
