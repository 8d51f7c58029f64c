//! One broken and one kept example per rule.

use super::*;

fn errors(path: &str, text: &str) -> usize {
    let mut report = Report::default();
    check_file(&File { path: path.to_owned(), text: text.to_owned() }, &mut report);
    report.errors.len()
}

#[test]
fn lock_file_names_no_address() {
    let key = concat!("reso", "lved");
    assert_eq!(errors("a/package-lock.json", &format!("{{ \"{key}\": \"x\" }}")), 1);
    assert_eq!(errors("a/package-lock.json", "{ \"integrity\": \"x\" }"), 0);
}

#[test]
fn engine_does_not_know_the_multiplexer() {
    assert_eq!(errors("sio-core/src/engine/mod.rs", "use crate::mux::Multiplexer;"), 1);
    assert_eq!(errors("sio-core/src/engine.rs", "use crate::mux;"), 1);
    assert_eq!(errors("sio-core/src/engine/mod.rs", "//! See [`crate::mux::Multiplexer`]."), 0);
    assert_eq!(errors("sio-core/src/lib.rs", "use crate::mux::Multiplexer;"), 0);
}

#[test]
fn runtimes_are_told_from_their_likes() {
    assert!(is_runtime("tokio") && is_runtime("actix-rt") && is_runtime("tokio-util"));
    assert!(!is_runtime("tracing") && !is_runtime("futures-core"));
}
