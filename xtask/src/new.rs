//! `new`: a project of one's own from `template/`, as cargo-generate makes it, without that program.
//!
//! Everything is read and filled in before the first file is written, so that a refusal leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sh::{Cmd, Outcome, root};
use crate::test::Done;
use crate::workspace::Workspace;

const TEMPLATE: &str = "template";
/// What cargo-generate itself reads.
const ITS_SETTINGS: &str = "cargo-generate.toml";
const LOCK: &str = "Cargo.lock";
/// The registries' limit.
const LONGEST_NAME: usize = 64;
/// Names that cargo, Rust or the project's own dependencies have; keywords are below.
const TAKEN: &[&str] = &[
    "actix_web",
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "sio_actix",
    "sio_client",
    "sio_core",
    "sio_macros",
    "std",
    "test",
];
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// `cargo xtask new NAME [--path DIR]`.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (name, path) = arguments(args)?;
    check_name(name)?;
    let folder = match path {
        Some(path) => PathBuf::from(path),
        None => root().parent().unwrap_or_else(root).join(name),
    };
    let folder = std::path::absolute(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    create(name, &folder)?;
    println!("created {}; next: cd there, `cargo test`, `cargo run`", folder.display());
    Ok(())
}

fn arguments(args: &[String]) -> Result<(&str, Option<&str>), String> {
    const USAGE: &str = "usage: cargo xtask new NAME [--path DIR]";
    let (mut name, mut path) = (None, None);
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match (arg, arg.strip_prefix("--path=")) {
            ("--path", _) => path = Some(args.next().ok_or("`--path` names no folder")?),
            (_, Some(folder)) => path = Some(folder),
            _ if arg.starts_with('-') => return Err(format!("unknown option `{arg}`; {USAGE}")),
            _ if name.is_some() => {
                return Err(format!("one name is enough, `{arg}` is more; {USAGE}"));
            }
            _ => name = Some(arg),
        }
    }
    Ok((name.ok_or(USAGE)?, path))
}

/// A name that cargo takes for a package, and Rust for its library.
fn check_name(name: &str) -> Result<(), String> {
    let refused = |why: &str| Err(format!("`{name}` is no name for a crate: {why}"));
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return refused("it starts with a letter");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return refused("it has letters, digits, `-` and `_`");
    }
    if name.len() > LONGEST_NAME {
        return refused(&format!("{} characters, limit {LONGEST_NAME}", name.len()));
    }
    let in_code = name.replace('-', "_");
    if KEYWORDS.contains(&name) {
        return refused("it is a keyword");
    }
    if TAKEN.contains(&in_code.as_str()) {
        return refused("cargo, Rust or a dependency has it");
    }
    Ok(())
}

/// Writes the project into a folder that must not be there, unlike the one above it.
fn create(name: &str, folder: &Path) -> Result<(), String> {
    if fs::symlink_metadata(folder).is_ok() {
        return Err(format!("{} exists", folder.display()));
    }
    let files = project(name)?;
    fs::create_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    write(folder, &files).inspect_err(|_| drop(fs::remove_dir_all(folder)))
}

fn write(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), String> {
    for (path, text) in files {
        let path = folder.join(path);
        let inside = path.parent().map_or(Ok(()), fs::create_dir_all);
        inside
            .and_then(|()| fs::write(&path, text))
            .map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// The project's files, filled in.
fn project(name: &str) -> Result<Vec<(PathBuf, String)>, String> {
    let sio = root().to_str().ok_or("the path of this clone is not UTF-8")?.replace('\\', "/");
    if sio.contains(|c: char| c == '"' || c.is_control()) {
        return Err(format!("a manifest cannot name the path of this clone: {sio:?}"));
    }
    let values = [
        ("{{project-name}}", name.to_owned()),
        ("{{crate_name}}", name.replace('-', "_")),
        ("{{sio}}", sio),
    ];
    let mut files = Vec::new();
    collect(&root().join(TEMPLATE), Path::new(""), &mut files)?;
    for (path, text) in &mut files {
        for (placeholder, value) in &values {
            *text = text.replace(placeholder, value);
        }
        if text.contains("{{") {
            return Err(format!("{TEMPLATE}/{}: a placeholder without a value", path.display()));
        }
    }
    // The versions that sio is tested with; cargo takes what the project does not need out of it.
    files.push((PathBuf::from(LOCK), read(&root().join(LOCK))?));
    Ok(files)
}

fn collect(from: &Path, inside: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", from.display());
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = inside.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else if path != Path::new(ITS_SETTINGS) {
            files.push((path, read(&entry.path())?));
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))
}

/// A new project is formatted, without warnings, and its tests pass, with what was downloaded for this workspace.
pub(crate) fn step() -> Done {
    let target = match Workspace::load() {
        Ok(workspace) => workspace.target,
        Err(why) => return Done::Failed(why),
    };
    let folder = std::env::temp_dir().join(format!("sio-template-{}", std::process::id()));
    if let Err(why) = download().and_then(|()| create("my-chat", &folder)) {
        return Done::Failed(why);
    }
    let mut text = String::new();
    let mut last = None;
    for line in [
        "fmt --check",
        "clippy --offline --all-targets -- -D warnings",
        "test --offline --no-fail-fast",
    ] {
        // In the workspace's profile, so that crates which it has built in the same way are not built again.
        let cmd = Cmd::cargo().args(line).dir(&folder).env("CARGO_TARGET_DIR", &target);
        let debug = std::env::var_os("CARGO_PROFILE_DEV_DEBUG");
        let out =
            cmd.env("CARGO_PROFILE_DEV_DEBUG", debug.unwrap_or("line-tables-only".into())).run();
        text.push_str(&out.text);
        let ok = out.ok;
        last = Some(out);
        if !ok {
            break;
        }
    }
    drop(fs::remove_dir_all(&folder));
    match last {
        Some(out) => Done::Ran(Outcome { text, ..out }),
        None => Done::Failed("nothing ran".to_owned()),
    }
}

/// Whatever the lock file names and this machine needs.
fn download() -> Result<(), String> {
    let host = Cmd::new("rustc").args("--print host-tuple").output()?;
    Cmd::cargo().args("fetch --quiet --locked --target").arg(host.trim()).output().map(drop)
}

#[cfg(test)]
mod tests;
