//! The rounds: each server in turn, a fresh process for every run.

use std::path::Path;
use std::time::Duration;

use super::options::Options;
use super::results::Results;
use super::servers::{Server, pinned};

/// No scenario takes longer.
const RUN_LIMIT: Duration = Duration::from_secs(180);

pub(super) fn all(
    options: &Options,
    servers: &[Server],
    load: &Path,
    results: &mut Results,
    file: &Path,
) -> Result<(), String> {
    for scenario in &options.scenarios {
        println!("\n== {scenario}");
        for _ in 0..options.rounds {
            // Interleaved: what slows the machine down slows all of them down.
            for server in servers {
                let line = once(options, server, scenario, load)?;
                results.add(&line, file)?;
                println!("  {}", results.last());
            }
        }
    }
    Ok(())
}

/// What the load generator says about one run.
fn once(options: &Options, server: &Server, scenario: &str, load: &Path) -> Result<String, String> {
    let (service, url) = server.start()?;
    let mut cmd = pinned(1).arg(&load.to_string_lossy()).arg(scenario);
    cmd = cmd.arg("--url").arg(&url).arg("--label").arg(&server.name);
    cmd = cmd.arg("--pid").arg(&service.pid().to_string());
    if options.quick {
        cmd = cmd.args("--warmup 0.2 --secs 0.5 --hold 1 --settle 0.5");
    }
    let out = cmd.arg("--quiet").limit(RUN_LIMIT).quiet();
    // It fails if there were errors, and says which in its line.
    match out.text.lines().find(|line| line.starts_with('{')) {
        Some(line) => Ok(line.to_owned()),
        None => Err(format!("{}: {scenario}: {} {}", server.name, out.why, out.text.trim())),
    }
}
