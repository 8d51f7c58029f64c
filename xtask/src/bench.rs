//! `bench`: measures `bench-server` with a folder of comparison tools kept outside the repository.
//!
//! The folder holds a program `compare` that takes `-a NAME=COMMAND`, starts the command with
//! `{port}` filled in, and prints its figures beside those of other servers.

use std::path::Path;
use std::time::Duration;

use crate::sh::Cmd;
use crate::workspace::Workspace;

const PACKAGE: &str = "bench-server";
/// A full comparison runs every scenario several times.
const LIMIT: Duration = Duration::from_secs(4 * 60 * 60);

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (ours, theirs) = match args.iter().position(|a| a == "--") {
        Some(at) => (args.get(..at).unwrap_or_default(), args.get(at + 1..).unwrap_or_default()),
        None => (args, [].as_slice()),
    };
    let [flag, tools] = ours else {
        return Err("usage: cargo xtask bench --tools DIR [-- ARGS]".to_owned());
    };
    if flag != "--tools" {
        return Err(format!("unknown option `{flag}`, accepted: --tools DIR"));
    }
    let compare = Path::new(tools).join("compare");
    let compare = compare.canonicalize().map_err(|e| format!("{}: {e}", compare.display()))?;
    let workspace = Workspace::load()?;
    if !workspace.has(PACKAGE) {
        return Err(format!("the workspace has no package `{PACKAGE}`"));
    }
    let built = Cmd::cargo().args("build --release -p").arg(PACKAGE).run();
    if !built.ok {
        return Err(built.why);
    }
    let server = workspace.target.join("release").join(PACKAGE);
    let mut cmd = Cmd::new(&compare.to_string_lossy())
        .arg("-a")
        .arg(&format!("sio={} --port {{port}}", server.display()))
        .limit(LIMIT);
    for word in theirs {
        cmd = cmd.arg(word);
    }
    let measured = cmd.run();
    if measured.ok { Ok(()) } else { Err(measured.why) }
}
