//! Promise 23 of `docs/hostile.md`: no queue of the server is without a bound.
//!
//! The section "Queues" of that page names each file that has a queue, with its bound. A queue that is added
//! makes this test fail until somebody has said what bounds it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const CRATES: [&str; 3] = ["sio-core", "sio-actix", "sio-redis"];
/// What queues are made of.
const QUEUES: [&str; 6] =
    ["VecDeque<", "mpsc::", "unbounded", "FuturesUnordered<", "Vec<Waker>", "broadcast::channel"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The files whose types hold a queue; what functions pass on is another's queue.
fn files_with_queues() -> BTreeSet<String> {
    let root = root();
    let mut files = Vec::new();
    for name in CRATES {
        rust_files(&root.join(name).join("src"), &mut files);
    }
    files
        .into_iter()
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.split("#[cfg(test)]").next().unwrap_or_default().lines().any(|line| {
                let line = line.trim_start();
                let holds = !line.starts_with("//") && !line.contains("fn ");
                holds && !line.starts_with("use ") && QUEUES.iter().any(|kind| line.contains(kind))
            })
        })
        .map(|file| file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn promise_23_every_queue_has_a_bound_that_is_written_down() {
    let page = std::fs::read_to_string(root().join("docs/hostile.md")).unwrap();
    let section = page.split("\n## Queues\n").nth(1).expect("the section about queues");
    let section = section.split("\n## ").next().unwrap();
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .collect();
    let found = files_with_queues();
    assert!(found.len() > 10, "the search finds nothing: {found:?}");
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(unlisted.is_empty(), "no bound is written down for queues in {unlisted:#?}");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "there are no queues any more in {gone:#?}");
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let bound = line.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        assert!(!bound.is_empty(), "no bound in {line}");
    }
}
