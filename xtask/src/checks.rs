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

/// The unit tests of the core in an interpreter that sees undefined behaviour, of which code without `unsafe` can
/// only get some from below.
pub(crate) fn miri() -> Done {
    let cargo = |args: &str| Cmd::new("cargo").args("+nightly miri").args(args);
    if cargo("--version").output().is_err() {
        return Done::Left(
            "the component miri of the nightly toolchain is not installed".to_owned(),
        );
    }
    Done::Ran(cargo("test -p sio-core --lib").env("MIRIFLAGS", "-Zmiri-disable-isolation").run())
}

/// The models of what threads share in the core: all interleavings within bounds.
pub(crate) fn loom() -> Done {
    let target = match Workspace::load() {
        Ok(workspace) => workspace.target.join("loom"),
        Err(why) => return Done::Failed(why),
    };
    let test = Cmd::cargo().args("test --release -p sio-core --lib --target-dir");
    let test = test.arg(&target.to_string_lossy()).args("-- models::");
    Done::Ran(test.env("RUSTFLAGS", "--cfg loom").env("LOOM_MAX_PREEMPTIONS", "3").run())
}
