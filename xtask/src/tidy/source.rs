//! Rules about lines: module heads, lengths, doctests, markers, hosts, ignored tests, example heads.

use super::Report;
use super::files::File;

const LONG: usize = 500;
const TOO_LONG: usize = 900;
/// Pages with a budget of their own.
const BUDGETS: &[(&str, usize)] =
    &[("Cargo.toml", 140), ("ARCHITECTURE.md", 250), ("CONTRIBUTING.md", 150)];
const CODE: &[&str] = &["rs", "js", "mjs", "ts", "html", "css", "toml", "sh"];

// Split, so that this file does not break the rules it checks.
const LATER: &str = concat!("TO", "DO");
const BROKEN: &str = concat!("FIX", "ME");
const HOSTS: &[&str] = &[
    concat!("npm", "js."),
    concat!("yarn", "pkg."),
    concat!("crates", ".io"),
    concat!("pypi", "."),
    concat!("python", "hosted."),
    concat!("deb", ".debian."),
];
/// Written by cargo, which names the index of every package.
const CARGO_LOCK: &str = "Cargo.lock";

pub(crate) fn check(file: &File, report: &mut Report) {
    lengths(file, report);
    if !file.path.ends_with(CARGO_LOCK) {
        hosts(file, report);
    }
    if file.has_ending(CODE) {
        markers(file, report);
    }
    if file.has_ending(&["rs"]) {
        heads(file, report);
        ignored(file, report);
    }
    if file.has_ending(&["rs", "md"]) && file.path.starts_with("sio-") {
        doctests(file, report);
    }
}

fn lengths(file: &File, report: &mut Report) {
    let lines = file.text.lines().count();
    if let Some((_, budget)) = BUDGETS.iter().find(|(path, _)| *path == file.path) {
        if lines > *budget {
            report.warn(&file.path, format_args!("{lines} lines, budget {budget}"));
        }
    } else if file.has_ending(&["rs"]) && lines > TOO_LONG {
        report.error(&file.path, format_args!("{lines} lines, limit {TOO_LONG}: split it"));
    } else if file.has_ending(&["rs"]) && lines > LONG {
        report.warn(&file.path, format_args!("{lines} lines, budget {LONG}"));
    }
}

fn hosts(file: &File, report: &mut Report) {
    for (index, line) in file.text.lines().enumerate() {
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            report.error(file.at(index), format_args!("names a package registry: `{host}`"));
        }
    }
}

fn markers(file: &File, report: &mut Report) {
    for (index, line) in file.text.lines().enumerate() {
        if word(line, BROKEN).is_some() {
            report.error(file.at(index), format_args!("{BROKEN} is not merged: repair it"));
        }
        let numbered = |rest: &str| {
            let digits = rest.strip_prefix("(#").and_then(|r| r.split(')').next());
            digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
        };
        if word(line, LATER).is_some_and(|rest| !numbered(rest)) {
            report.error(file.at(index), format_args!("write {LATER}(#number), or do it now"));
        }
    }
}

/// What follows `marker` in the line, where it stands as a word of its own.
fn word<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(marker).find_map(|(at, _)| {
        let (before, rest) = line.split_at_checked(at)?;
        let after = rest.strip_prefix(marker)?;
        (!before.ends_with(joins) && !after.starts_with(joins)).then_some(after)
    })
}

fn heads(file: &File, report: &mut Report) {
    let mut parts = file.path.split('/');
    let package = parts.next().unwrap_or_default();
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if package.starts_with("sio-") && parts.next() == Some("src") {
        let head = ["//!", "#![doc"].iter().any(|start| first.starts_with(start));
        if !head {
            report.error(file.at(0), "a module starts with `//!`: its job, its neighbours");
        }
    }
    if package == "examples" && file.path.ends_with("/src/main.rs") {
        let head = || file.text.lines().take_while(|line| line.starts_with("//!"));
        if head().count() < 2 || !head().any(|line| line.contains("cargo run")) {
            let what =
                "an example starts with `//!`: what it shows, `cargo run ..`, what to expect";
            report.error(file.at(0), what);
        }
    }
}

fn ignored(file: &File, report: &mut Report) {
    for (index, line) in file.text.lines().enumerate() {
        if line.trim() == "#[ignore]" {
            report.error(file.at(index), "an ignored test says why: #[ignore = \"reason\"]");
        }
    }
}

fn doctests(file: &File, report: &mut Report) {
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim_start();
        let docs = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let text = docs.or_else(|| file.has_ending(&["md"]).then_some(line)).unwrap_or_default();
        let fence = text.trim_start().strip_prefix("```");
        if fence.is_some_and(|f| f.split([',', ' ']).any(|w| w.starts_with("ignore"))) {
            report.error(file.at(index), "examples compile: `no_run` at most, never `ignore`");
        }
    }
}

#[cfg(test)]
mod tests;
