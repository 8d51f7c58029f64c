//! `autobahn`: the Autobahn|Testsuite against our frames, under both servers.
//!
//! Its fuzzing client is a program in Python 2, so it runs where one is. What each case may come to is in
//! `tests/data/autobahn/outcome.txt`; anything else fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::sh::{Cmd, Outcome, root, which};
use crate::test::Done;
use crate::workspace::Workspace;

const DATA: &str = "tests/data/autobahn";
/// Both carriers.
const SERVERS: [&str; 2] = ["sio", "stock"];
/// All cases of one server.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Behaviour and closing behaviour, by case, in the order of the numbers.
type Outcomes = BTreeMap<Vec<u32>, String>;

/// `cargo xtask autobahn [--accept] [CASES]`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let accept = args.iter().any(|arg| arg == "--accept");
    let cases: Vec<&str> =
        args.iter().map(String::as_str).filter(|arg| *arg != "--accept").collect();
    match suite(&cases, accept) {
        Done::Ran(out) if out.ok => Ok(()),
        Done::Ran(out) => Err(out.why),
        Done::Left(why) | Done::Failed(why) => Err(why),
    }
}

fn suite(cases: &[&str], accept: bool) -> Done {
    let Some(python) = python() else {
        return Done::Left("Python 2.7 is not installed, or `SIO_PYTHON2` does not name it".into());
    };
    let played = packages(&python).and_then(|packages| {
        let echo = build()?;
        let mut all = Vec::new();
        for server in SERVERS {
            all.push(play(&python, &packages, &echo, server, cases)?);
        }
        Ok(all)
    });
    match played.and_then(|all| judge(&all, cases.is_empty(), accept)) {
        Ok(text) => {
            println!("{text}");
            Done::Ran(Outcome { ok: true, text, why: String::new() })
        }
        Err(why) => Done::Failed(why),
    }
}

/// A Python that runs; a version manager's stand-in may be there and have none behind it.
fn python() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::env::var_os("SIO_PYTHON2").map(PathBuf::from).into_iter().collect();
    found.extend(which("python2.7"));
    if let Some(home) = std::env::var_os("HOME") {
        let versions = fs::read_dir(Path::new(&home).join(".pyenv/versions"));
        found.extend(
            versions.into_iter().flatten().flatten().map(|v| v.path().join("bin/python2.7")),
        );
    }
    let runs = |python: &PathBuf| {
        python.is_file() && Cmd::new(&python.to_string_lossy()).args("-c pass").output().is_ok()
    };
    found.into_iter().find(runs)
}

/// Installs the suite into a folder of its own, unless that was done.
fn packages(python: &Path) -> Result<PathBuf, String> {
    let list = root().join(DATA).join("requirements.txt");
    let wanted = fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
    let folder = Workspace::load()?.target.join("python/autobahn");
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    drop(fs::remove_dir_all(&folder));
    let pip = Cmd::new(&python.to_string_lossy())
        .args("-m pip install --quiet --disable-pip-version-check --target")
        .arg(&folder.to_string_lossy())
        .arg("--requirement")
        .arg(&list.to_string_lossy())
        .run();
    if !pip.ok {
        return Err(pip.why);
    }
    fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(folder)
}

fn build() -> Result<PathBuf, String> {
    // Half of the cases are thousands of compressed messages.
    let out = Cmd::cargo().args("build --release -p conformance --bin ws-echo").run();
    if !out.ok {
        return Err(out.why);
    }
    Ok(Workspace::load()?.target.join("release/ws-echo"))
}

/// Plays the cases against one server and reads the report.
fn play(
    python: &Path,
    packages: &Path,
    echo: &Path,
    server: &str,
    cases: &[&str],
) -> Result<Outcomes, String> {
    let folder = Workspace::load()?.target.join("autobahn");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let service = Cmd::new(&echo.to_string_lossy())
        .args("--port 0 --server")
        .arg(server)
        .start("listening on http://")?;
    let address = service.ready.trim().trim_start_matches("listening on http://").to_owned();
    let reports = folder.join(server);
    let cases = if cases.is_empty() { vec!["*"] } else { cases.to_vec() };
    let plan = serde_json::json!({
        "outdir": reports,
        "servers": [{ "agent": server, "url": format!("ws://{address}") }],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let file = folder.join(format!("{server}.json"));
    fs::write(&file, plan.to_string()).map_err(|e| format!("{}: {e}", file.display()))?;
    let program = format!(
        "import sys, site; site.addsitedir({:?}); sys.argv = ['wstest', '-m', 'fuzzingclient', '-s', {:?}]; \
         from autobahntestsuite.wstest import run; run()",
        packages.to_string_lossy(),
        file.to_string_lossy()
    );
    let out = Cmd::new(&python.to_string_lossy()).arg("-c").arg(&program).limit(LIMIT).quiet();
    drop(service);
    if !out.ok {
        return Err(format!("{}\n{}", out.why, out.text));
    }
    read(&reports.join("index.json"), server)
}

fn read(index: &Path, server: &str) -> Result<Outcomes, String> {
    let text = fs::read_to_string(index).map_err(|e| format!("{}: {e}", index.display()))?;
    let index: Value = serde_json::from_str(&text).map_err(|e| format!("the report: {e}"))?;
    let cases = index.get(server).and_then(Value::as_object).ok_or("the report has no cases")?;
    let text = |case: &Value, key| case.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    Ok(cases
        .iter()
        .map(|(id, case)| {
            let close = match text(case, "behaviorClose") {
                // actix-web waits for the client to close the connection; RFC 6455 only prefers the other way.
                close if server == "stock" && close == "FAILED BY CLIENT" => "OK".to_owned(),
                close => close,
            };
            let outcome = format!("{} {close}", text(case, "behavior"));
            (number(id), outcome)
        })
        .collect())
}

fn number(id: &str) -> Vec<u32> {
    id.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

fn shown(number: &[u32]) -> String {
    number.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// Compares with what is expected, which is the same for all servers.
fn judge(all: &[Outcomes], complete: bool, accept: bool) -> Result<String, String> {
    let file = root().join(DATA).join("outcome.txt");
    if accept {
        let first = all.first().ok_or("nothing was played")?;
        let lines: String =
            first.iter().map(|(id, outcome)| format!("{} {outcome}\n", shown(id))).collect();
        fs::write(&file, lines).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let expected = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let expected: Outcomes = expected
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(id, outcome)| (number(id), outcome.to_owned()))
        .collect();
    let mut wrong = String::new();
    let mut passed = 0;
    for (server, outcomes) in SERVERS.iter().zip(all) {
        for (id, outcome) in outcomes {
            if expected.get(id) == Some(outcome) {
                passed += 1;
            } else {
                let wanted = expected.get(id).map_or("nothing", String::as_str);
                // Writing to a string cannot fail.
                let _written =
                    write!(wrong, "\n{} on {server}: {outcome}, expected {wanted}", shown(id));
            }
        }
        for id in expected.keys().filter(|id| complete && !outcomes.contains_key(*id)) {
            let _written = write!(wrong, "\n{} on {server} was not played", shown(id));
        }
    }
    if wrong.is_empty() { Ok(format!("autobahn: {passed} cases as expected")) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_no_failure_and_every_case() {
        let text = fs::read_to_string(root().join(DATA).join("outcome.txt")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 517);
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let sound =
                |word: &str| ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"].contains(&word);
            assert!(words.len() == 3 && sound(words[1]) && sound(words[2]), "{line}");
        }
    }
}
