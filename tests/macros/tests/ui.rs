//! Every mistake that the attributes report, with the text that a user sees.
//!
//! A folder for each class, a file for each mistake. `TRYBUILD=overwrite` writes the texts; read the
//! difference before it is committed. The compiler's own part of a text changes with its version, so
//! they are compared on one.

use std::process::Command;

/// The version whose texts are stored.
const VERSION: &str = "rustc 1.95.";

#[test]
fn mistakes_are_told() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("--version").output().expect("rustc runs").stdout;
    let version = String::from_utf8(version).expect("a version is text");
    if !version.starts_with(VERSION) {
        println!("skipped: the texts are those of {VERSION}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}
