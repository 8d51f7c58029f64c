//! `test`: every check and every test, then a table of totals.
//!
//! A failing step does not stop the others; the totals at the end and the exit status tell.

use std::time::Instant;

use crate::checks::{features, loom, miri, optional, wasm};
use crate::sh::{Cmd, Outcome};
use crate::totals::{self, Counts, Row};
use crate::{fuzz, new, programs, soak, suites, tidy};

/// What a step did.
pub(crate) enum Done {
    /// Ran a program; its totals are in its output.
    Ran(Outcome),
    /// Had nothing to do here, and why.
    Left(String),
    /// Could not run, and why.
    Failed(String),
}

type Step = (&'static str, fn() -> Done);

/// The steps, quick ones first; the suites of `suites` follow.
const STEPS: &[Step] = &[
    ("fmt", || Done::Ran(Cmd::cargo().args("fmt --all --check").run())),
    ("tidy", || tidy::run(&[]).map_or_else(Done::Failed, |()| Done::Ran(fine()))),
    ("clippy", || {
        // All targets: examples and benches compile too.
        Done::Ran(Cmd::cargo().args("clippy --workspace --all-targets -- -D warnings").run())
    }),
    ("rust", rust),
    // WebSockets of the wire tests once more, under actix's own server.
    ("stock", stock),
    ("template", new::step),
    ("doctest", || Done::Ran(Cmd::cargo().args("test --workspace --doc --no-fail-fast").run())),
    ("docs", || {
        let cmd = Cmd::cargo().args("doc --workspace --no-deps");
        Done::Ran(cmd.env("RUSTDOCFLAGS", "-D warnings").run())
    }),
    ("features", features),
    ("wasm", wasm),
    ("deny", || optional("cargo-deny", "deny --workspace check bans licenses sources")),
    ("typos", || optional("typos", "")),
    ("miri", miri),
    ("loom", loom),
    ("fuzz", fuzz::step),
    ("soak", || Done::Ran(soak::step())),
];

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let names = || STEPS.iter().map(|(name, _)| *name).chain(suites::ALL.iter().map(|s| s.name));
    let only = parts(args, &names().collect::<Vec<_>>())?;
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    let mut rows = Vec::new();
    for &(name, step) in STEPS.iter().filter(|(name, _)| wanted(name)) {
        rows.push(timed(name, step));
    }
    for suite in suites::ALL.iter().filter(|s| wanted(s.name)) {
        rows.push(timed(suite.name, || suites::run(suite)));
    }
    if totals::print(&rows) {
        return Ok(());
    }
    // The sums stay the last line of the output.
    #[expect(clippy::exit, reason = "a message here would follow the last line")]
    std::process::exit(1)
}

fn timed(name: &str, step: impl FnOnce() -> Done) -> Row {
    println!("\n== {name}");
    let start = Instant::now();
    let done = step();
    let took = start.elapsed().as_secs_f32();
    let (counts, note) = match done {
        Done::Ran(out) if out.ok => (totals::read(&out.text), "ok".to_owned()),
        Done::Ran(out) => (at_least_one_failure(totals::read(&out.text)), out.why),
        Done::Left(why) => (Counts::default(), format!("not run: {why}")),
        Done::Failed(why) => (at_least_one_failure(Counts::default()), why),
    };
    println!("== {name}: {note} ({took:.1} s)");
    Row { name: name.to_owned(), counts, note: note.lines().next().unwrap_or_default().to_owned() }
}

/// A runner that failed without naming a test still failed.
const fn at_least_one_failure(mut counts: Counts) -> Counts {
    if counts.failed == 0 {
        counts.failed = 1;
    }
    counts
}

fn parts(args: &[String], known: &[&str]) -> Result<Vec<String>, String> {
    let mut only = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let list = match arg.strip_prefix("--only") {
            Some("") => args.next().map_or("", String::as_str),
            Some(rest) if rest.starts_with('=') => rest.trim_start_matches('='),
            _ => {
                return Err(format!("unknown option `{arg}`, accepted: --only PART[,PART..]"));
            }
        };
        for part in list.split(',') {
            if !known.contains(&part) {
                return Err(format!("no part `{part}`, accepted: {}", known.join(" ")));
            }
            only.push(part.to_owned());
        }
    }
    Ok(only)
}

fn rust() -> Done {
    // The dev profile: overflow checks and debug assertions stay on.
    let nextest = Cmd::cargo().args("nextest --version").output().is_ok();
    let line = if nextest {
        "nextest run --workspace --no-fail-fast --no-tests pass"
    } else {
        "test --workspace --lib --bins --tests --examples --no-fail-fast"
    };
    // Tests of clusters start it themselves.
    match programs::REDIS.locate() {
        Ok(redis) => Done::Ran(Cmd::cargo().args(line).env(programs::REDIS.variable, redis).run()),
        Err(why) => Done::Failed(why),
    }
}

fn stock() -> Done {
    let nextest = Cmd::cargo().args("nextest --version").output().is_ok();
    let line = if nextest {
        // With the features of the whole workspace, as it was built before.
        "nextest run --workspace --no-fail-fast -E package(integration)&binary(/^raw_/)"
    } else {
        "test -p integration --no-fail-fast"
    };
    Done::Ran(Cmd::cargo().args(line).env("SIO_TEST_SERVER", "stock").run())
}

const fn fine() -> Outcome {
    Outcome { ok: true, text: String::new(), why: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_takes_lists_and_refuses_unknown_parts() {
        let known = ["rust", "docs"];
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parts(&[], &known), Ok(vec![]));
        assert_eq!(parts(&words("--only rust,docs"), &known), Ok(words("rust docs")));
        assert_eq!(parts(&words("--only=docs --only rust"), &known), Ok(words("docs rust")));
        assert!(parts(&words("--only nothing"), &known).is_err());
        assert!(parts(&words("--only"), &known).is_err());
        assert!(parts(&words("--onlyrust"), &known).is_err());
    }
}
