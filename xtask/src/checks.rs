//! Checks that a machine may lack the tools for; `test` says which ones it left out.

use crate::sh::{Cmd, Outcome, which};
use crate::test::Done;
use crate::workspace::Workspace;

/// The core must build where there is no operating system below it.
pub(crate) fn wasm() -> Done {
    const TARGET: &str = "wasm32-unknown-unknown";
    let sysroot = match Cmd::new("rustc").args("--print sysroot").output() {
        Ok(text) => text,
        Err(why) => return Done::Failed(why),
    };
    let installed = std::path::Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).is_dir();
    if !installed {
        return Done::Left(format!("the target {TARGET} is not installed"));
    }
    Done::Ran(Cmd::cargo().args("check -p sio-core --target").arg(TARGET).run())
}

/// Each crate of ours with features compiles without any, and with each alone.
pub(crate) fn features() -> Done {
    let workspace = match Workspace::load() {
        Ok(workspace) => workspace,
        Err(why) => return Done::Failed(why),
    };
    let mut text = String::new();
    for member in workspace.members.iter().filter(|member| !member.features.is_empty()) {
        let none = [String::new()];
        for feature in none.iter().chain(&member.features) {
            let check = Cmd::cargo().args("check --no-default-features -p").arg(&member.name);
            let check =
                if feature.is_empty() { check } else { check.arg("--features").arg(feature) };
            let out = check.run();
            if !out.ok {
                return Done::Ran(out);
            }
            text.push_str(&out.text);
        }
    }
    Done::Ran(Outcome { ok: true, text, why: String::new() })
}

/// Checks by programs that not every machine has; `cargo-x` runs as a cargo command.
pub(crate) fn optional(program: &str, args: &str) -> Done {
    if which(program).is_none() {
        return Done::Left(format!("{program} is not installed"));
    }
    let cmd = if program.starts_with("cargo-") { Cmd::cargo() } else { Cmd::new(program) };
    Done::Ran(cmd.args(args).run())
}
