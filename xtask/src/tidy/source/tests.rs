//! One broken and one kept example per rule.

use super::*;

fn errors(path: &str, text: &str) -> usize {
    let mut report = Report::default();
    check(&File { path: path.to_owned(), text: text.to_owned() }, &mut report);
    report.errors.len()
}

#[test]
fn module_needs_a_head() {
    assert_eq!(errors("sio-core/src/sid.rs", "//! Ids.\n\nuse std::fmt;\n"), 0);
    assert_eq!(errors("sio-core/src/sid.rs", "use std::fmt;\n"), 1);
    assert_eq!(errors("sio-core/tests/sid.rs", "use std::fmt;\n"), 0);
}

#[test]
fn marker_needs_a_number() {
    assert_eq!(errors("xtask/a.rs", &format!("// {LATER}(#12): more\n")), 0);
    assert_eq!(errors("xtask/a.rs", &format!("// {LATER}: more\n")), 1);
    assert_eq!(errors("xtask/a.rs", &format!("const {LATER}S: u8 = 1;\n")), 0);
    assert_eq!(errors("xtask/a.rs", &format!("// {BROKEN}(#12)\n")), 1);
}

#[test]
fn length_warns_before_it_fails() {
    let mut report = Report::default();
    let file = |lines| File { path: "a.rs".to_owned(), text: "\n".repeat(lines) };
    check(&file(LONG), &mut report);
    assert_eq!((report.warnings.len(), report.errors.len()), (0, 0));
    check(&file(LONG + 1), &mut report);
    assert_eq!((report.warnings.len(), report.errors.len()), (1, 0));
    check(&file(TOO_LONG + 1), &mut report);
    assert_eq!((report.warnings.len(), report.errors.len()), (1, 1));
}

#[test]
fn registry_host_is_named_only_by_cargo_lock() {
    let line = format!("https://index.{}/x\n", concat!("crates", ".io"));
    assert_eq!(errors("docs/a.md", &line), 1);
    assert_eq!(errors("Cargo.lock", &line), 0);
}

#[test]
fn doctest_and_test_may_not_be_ignored() {
    assert_eq!(errors("sio-core/src/a.rs", "//! A.\n/// ```rust,ignore\n"), 1);
    assert_eq!(errors("sio-core/src/a.rs", "//! A.\n/// ```no_run\n"), 0);
    assert_eq!(errors("sio-core/README.md", "```ignore\n"), 1);
    assert_eq!(errors("a.rs", "#[ignore]\n#[ignore = \"slow\"]\n"), 1);
}

#[test]
fn example_says_how_to_run_it() {
    assert_eq!(errors("examples/chat/src/main.rs", "//! A chat.\n//! `cargo run -p chat`\n"), 0);
    assert_eq!(errors("examples/chat/src/main.rs", "//! A chat.\n//! Nice.\n"), 1);
}
