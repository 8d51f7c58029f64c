//! `soak`: a crowd of clients that chat, stall and come back, and what each must have got.

use std::time::Duration;

use crate::sh::{Cmd, Outcome};

/// Coming, settling and being forgotten, twice, and a build.
const AROUND: Duration = Duration::from_secs(20 * 60);

/// `cargo xtask soak …`: the options are the program's.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let mut cmd = Cmd::cargo().args("run --release -q -p soak --");
    let mut limit = AROUND;
    let mut last = "";
    for arg in args {
        cmd = cmd.arg(arg);
        limit += match (last, arg.parse::<u64>()) {
            ("--minutes", Ok(minutes)) => Duration::from_secs(60 * minutes),
            ("--seconds", Ok(seconds)) => Duration::from_secs(seconds),
            _ => Duration::ZERO,
        };
        last = arg;
    }
    let out = cmd.limit(limit).run();
    if out.ok { Ok(()) } else { Err(out.why) }
}

/// Two minutes of it, with the checks of the dev profile, and fewer clients because that is slower.
pub(crate) fn step() -> Outcome {
    Cmd::cargo().args("run -q -p soak -- --minutes 2 --clients 400").run()
}
