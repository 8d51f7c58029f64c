//! Rules about packages: what depends on what, manifests, lock files.

use super::Report;
use super::files::File;
use crate::sh::Cmd;
use crate::workspace::{Member, Workspace};

/// Which of our crates each of our crates may use.
const OURS: &[(&str, &[&str])] = &[
    ("sio-core", &[]),
    ("sio-macros", &[]),
    ("sio-redis", &["sio-core"]),
    // `sio-actix` for the test server only, behind the feature `test`.
    ("sio-client", &["sio-core", "sio-actix"]),
    ("sio-actix", &["sio-core", "sio-macros"]),
];
/// Runtimes and frameworks that the core must not reach, not even through others.
const RUNTIMES: &[&str] = &["tokio", "async-std", "smol", "async-executor", "hyper", "axum"];
const RUNTIME_FAMILIES: &[&str] =
    &["actix", "tokio-", "async-global-executor", "monoio", "glommio"];
/// Modules that must not know each other: files under the first, paths to the second.
const APART: &[(&str, &[&str])] = &[
    ("sio-core/src/engine", &["crate::mux", "crate::adapter", "crate::packet"]),
    ("sio-core/src/packet", &["crate::engine", "crate::mux", "crate::adapter"]),
    ("sio-core/src/mux", &["crate::engine", "crate::adapter"]),
    ("sio-core/src/adapter", &["crate::engine", "crate::mux"]),
    ("sio-actix/src/transport", &["crate::handler", "crate::extract", "crate::dispatch"]),
    ("sio-actix/src/handler", &["crate::transport"]),
];

pub(crate) fn check_file(file: &File, report: &mut Report) {
    if file.path.ends_with("package-lock.json") {
        let key = concat!("\"reso", "lved\"");
        if let Some(index) = file.text.lines().position(|line| line.contains(key)) {
            report.error(file.at(index), "a lock file names no download address");
        }
    }
    for (module, others) in APART {
        let inside = file.path.strip_prefix(module).is_some_and(|r| r.starts_with(['/', '.']));
        if inside && file.has_ending(&["rs"]) {
            apart(file, others, report);
        }
    }
}

fn apart(file: &File, others: &[&str], report: &mut Report) {
    let code = |line: &&str| !line.trim_start().starts_with("#[cfg(test)]");
    for (index, line) in file.text.lines().take_while(code).enumerate() {
        let comment = line.trim_start().starts_with("//");
        let names = |other: &&&str| {
            line.contains(&format!("{other}::")) || line.contains(&format!("{other};"))
        };
        if let Some(other) = others.iter().find(names).filter(|_| !comment) {
            report.error(file.at(index), format_args!("must not know `{other}`"));
        }
    }
}

pub(crate) fn check_workspace(report: &mut Report) -> Result<(), String> {
    let workspace = Workspace::load()?;
    for member in &workspace.members {
        directions(member, &workspace, report);
        manifest(member, report)?;
    }
    if workspace.has("sio-core") {
        // All targets and all features: no configuration may bring a runtime in.
        let tree = Cmd::cargo()
            .args("tree --quiet -p sio-core -e normal --prefix none --target all --all-features")
            .output()?;
        let mut names: Vec<&str> = tree.lines().filter_map(|l| l.split(' ').next()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| is_runtime(name)) {
            report.error("sio-core", format_args!("its dependency tree reaches `{name}`"));
        }
    }
    Ok(())
}

fn is_runtime(name: &str) -> bool {
    RUNTIMES.contains(&name) || RUNTIME_FAMILIES.iter().any(|family| name.starts_with(family))
}

fn directions(member: &Member, workspace: &Workspace, report: &mut Report) {
    let Some((_, allowed)) = OURS.iter().find(|(name, _)| *name == member.name) else {
        return;
    };
    for dependency in &member.dependencies {
        if workspace.has(dependency) && !allowed.contains(&dependency.as_str()) {
            let at = member.manifest.display();
            report.error(at, format_args!("{} must not depend on {dependency}", member.name));
        }
    }
}

/// Shared lints, and a comment on every feature.
fn manifest(member: &Member, report: &mut Report) -> Result<(), String> {
    let at = member.manifest.display();
    let text = std::fs::read_to_string(&member.manifest).map_err(|e| format!("{at}: {e}"))?;
    let mut table = "";
    let mut before = "";
    let mut shares_lints = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line;
        }
        let shared = line.replace(' ', "");
        shares_lints |= shared == "lints.workspace=true";
        shares_lints |= table == "[lints]" && shared == "workspace=true";
        let is_feature = table == "[features]" && line.contains('=') && !line.starts_with('#');
        if is_feature
            && !line.starts_with("default")
            && !line.contains('#')
            && !before.starts_with('#')
        {
            let name = line.split('=').next().unwrap_or_default().trim();
            report.error(&at, format_args!("feature `{name}` has no comment above it"));
        }
        before = line;
    }
    if !shares_lints {
        report.error(&at, "says no `[lints] workspace = true`");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
