//! `fuzz`: runs the targets of `fuzz/` on what is known and what the fuzzer makes of it.
//!
//! The targets are ordinary programs that libFuzzer is linked into; the compiler's coverage counters are all they
//! need, so that any toolchain builds them, and a C++ compiler has to be there. What a target finds stays in the
//! target folder: an input that fails becomes a test, one that reaches something new is worth a place in
//! `fuzz/corpus`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sh::{Cmd, Outcome, root, which};
use crate::test::Done;
use crate::workspace::Workspace;

/// What each target gets in a test run.
const SECONDS: u64 = 10;
/// Longest input, where a target has a shape for longer ones.
const MAX_LEN: u64 = 4_096;
/// Counters of edges and of comparisons, as libFuzzer reads them.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

struct Plan {
    seconds: u64,
    targets: Vec<String>,
}

/// `cargo xtask fuzz`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let plan = plan(args, &names())?;
    match fuzz(&plan) {
        Done::Ran(out) if out.ok => Ok(()),
        Done::Ran(out) => Err(out.why),
        Done::Left(why) | Done::Failed(why) => Err(why),
    }
}

/// The step of a test run.
pub(crate) fn step() -> Done {
    fuzz(&Plan { seconds: SECONDS, targets: names() })
}

fn plan(args: &[String], known: &[String]) -> Result<Plan, String> {
    let mut plan = Plan { seconds: 60, targets: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let seconds = args.next().and_then(|seconds| seconds.parse().ok());
            plan.seconds = seconds.ok_or("--seconds needs a number")?;
        } else if known.contains(arg) {
            plan.targets.push(arg.clone());
        } else {
            return Err(format!("no target `{arg}`, accepted: {}", known.join(" ")));
        }
    }
    if plan.targets.is_empty() {
        plan.targets = known.to_vec();
    }
    Ok(plan)
}

/// The targets, which are the files of their folder.
fn names() -> Vec<String> {
    let files = fs::read_dir(root().join("fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn fuzz(plan: &Plan) -> Done {
    if !["c++", "g++", "clang++"].iter().any(|name| which(name).is_some()) {
        return Done::Left("a C++ compiler is not installed".to_owned());
    }
    let built = match build() {
        Ok(built) => built,
        Err(why) => return Done::Failed(why),
    };
    let mut text = String::new();
    for target in &plan.targets {
        let out = match run_target(&built, target, plan.seconds) {
            Ok(out) => out,
            Err(why) => return Done::Failed(why),
        };
        text.push_str(&out.text);
        if !out.ok {
            return Done::Ran(Outcome { text, ..out });
        }
    }
    Done::Ran(Outcome { ok: true, text, why: String::new() })
}

/// Where programs and what they find are.
struct Built {
    programs: PathBuf,
    found: PathBuf,
}

fn build() -> Result<Built, String> {
    // Named, so that build scripts and macros are built without counters.
    let version = Cmd::new("rustc").args("-vV").output()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not tell its host")?;
    let folder = Workspace::load()?.target.join("fuzz");
    let build = Cmd::cargo()
        .args("build --release --locked --bins --manifest-path fuzz/Cargo.toml --target")
        .arg(host)
        .arg("--target-dir")
        .arg(&folder.to_string_lossy())
        .env("RUSTFLAGS", COVERAGE)
        .run();
    if !build.ok {
        return Err(build.why);
    }
    Ok(Built { programs: folder.join(host).join("release"), found: folder.join("found") })
}

fn run_target(built: &Built, target: &str, seconds: u64) -> Result<Outcome, String> {
    let found = built.found.join(target);
    let folder = |name: &str| -> Result<PathBuf, String> {
        let folder = found.join(name);
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(folder)
    };
    let (corpus, failures) = (folder("corpus")?, folder("failures")?);
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let out = Cmd::new(&path(&built.programs.join(target)))
        .args(&format!("-max_total_time={seconds} -max_len={MAX_LEN} -timeout=25"))
        .args("-rss_limit_mb=2048 -print_final_stats=1 -verbosity=0")
        .arg(&format!("-artifact_prefix={}/", path(&failures)))
        .arg(&path(&corpus))
        .arg(&path(&root().join("fuzz/corpus").join(target)))
        .limit(Duration::from_secs(seconds + 120))
        .run();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_seconds_are_taken_and_others_refused() {
        let known = ["a".to_owned(), "b".to_owned()];
        let plan = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            plan(&words, &known).map(|plan| (plan.seconds, plan.targets.join(" ")))
        };
        assert_eq!(plan(""), Ok((60, "a b".to_owned())));
        assert_eq!(plan("b --seconds 5"), Ok((5, "b".to_owned())));
        assert!(plan("c").is_err());
        assert!(plan("--seconds").is_err());
        assert!(plan("--seconds x").is_err());
    }

    #[test]
    fn every_target_is_a_program_and_has_a_corpus() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        assert!(!names().is_empty());
        for name in names() {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(root().join("fuzz/corpus").join(&name).is_dir(), "{name}");
        }
    }
}
