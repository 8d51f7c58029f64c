//! The Node.js suites: tests that talk to our server binaries as an outside program does.
//!
//! Each suite gets its npm and Python packages, the programs it needs, and every program of the packages under
//! `examples/` and `tests/`, built; then `node --test` runs its `*.test.mjs` files with
//! `SIO_BIN_DIR` (the folder of built programs) and one variable per needed program in the environment.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::programs::{CHROMIUM, HAPROXY, NGINX, OPENSSL, PIP, PKG_CONFIG, PYTHON, Program, REDIS};
use crate::sh::{Cmd, Outcome, root, which};
use crate::test::Done;
use crate::workspace::Workspace;

pub(crate) struct Suite {
    pub(crate) name: &'static str,
    dir: &'static str,
    needs: &'static [Program],
    /// More folders that need their npm packages.
    pages: &'static [&'static str],
    /// A list of Python packages, installed below the target folder; its path goes to the tests.
    python: Option<&'static str>,
    /// A package outside the workspace, built with a target folder of its own; the variable that carries the
    /// path of its program, the folder of the package, and the name of the program.
    cargo: Option<(&'static str, &'static str, &'static str)>,
}

pub(crate) const ALL: &[Suite] = &[
    Suite {
        name: "interop",
        dir: "tests/interop",
        needs: &[],
        pages: &[],
        python: None,
        cargo: None,
    },
    Suite {
        name: "clients",
        dir: "tests/clients",
        needs: &[PYTHON, PIP, PKG_CONFIG, OPENSSL],
        pages: &[],
        python: Some("python/requirements.txt"),
        cargo: Some(("SIO_RUST_CLIENT", "rust", "rust-socketio-client")),
    },
    Suite {
        name: "cluster",
        dir: "tests/cluster",
        needs: &[REDIS],
        pages: &[],
        python: None,
        cargo: None,
    },
    Suite {
        name: "proxies",
        dir: "tests/proxies",
        needs: &[NGINX, HAPROXY, REDIS],
        pages: &[],
        python: None,
        cargo: None,
    },
    Suite {
        name: "browser",
        dir: "tests/browser",
        needs: &[CHROMIUM, NGINX, REDIS],
        pages: &[],
        python: None,
        cargo: None,
    },
    Suite {
        name: "examples",
        dir: "tests/examples",
        needs: &[CHROMIUM, NGINX],
        pages: &["examples/ai-stream/web", "examples/nextjs", "examples/progress/web"],
        python: None,
        cargo: None,
    },
];

pub(crate) fn run(suite: &Suite) -> Done {
    let dir = root().join(suite.dir);
    let files = test_files(&dir);
    if files.is_empty() {
        return Done::Left(format!("{} holds no *.test.mjs", suite.dir));
    }
    match prepare(suite, &dir) {
        Err(why) => Done::Failed(why),
        Ok(variables) => {
            // A file that hangs is named by the runner before the step's own deadline passes.
            let mut cmd = Cmd::new("node")
                .dir(&dir)
                .args("--test --test-reporter=spec --test-timeout=600000");
            for file in files {
                cmd = cmd.arg(&file);
            }
            for (name, value) in variables {
                cmd = cmd.env(name, value);
            }
            Done::Ran(cmd.run())
        }
    }
}

type Variables = Vec<(&'static str, OsString)>;

fn prepare(suite: &Suite, dir: &Path) -> Result<Variables, String> {
    for program in ["node", "npm"] {
        which(program)
            .ok_or_else(|| format!("`{program}` is missing: install Node.js 20 or newer"))?;
    }
    let mut variables = Variables::new();
    for program in suite.needs {
        variables.push((program.variable, program.locate()?));
    }
    packages(dir)?;
    for page in suite.pages {
        packages(&root().join(page))?;
    }
    let workspace = Workspace::load()?;
    if let Some(list) = suite.python {
        let folder = workspace.target.join("python").join(suite.name);
        python_packages(&dir.join(list), &folder)?;
        variables.push(("SIO_PYTHON_PACKAGES", folder.into_os_string()));
    }
    if let Some((variable, package, program)) = suite.cargo {
        let manifest = dir.join(package).join("Cargo.toml");
        let folder = workspace.target.join(suite.name);
        let build = Cmd::cargo().args("build --locked --manifest-path");
        let build = build.arg(&manifest.to_string_lossy()).arg("--target-dir");
        done(build.arg(&folder.to_string_lossy()).run())?;
        variables.push((variable, folder.join("debug").join(program).into_os_string()));
    }
    let mut build = Cmd::cargo().arg("build");
    let mut any = false;
    for member in &workspace.members {
        let outside = member.dir.starts_with("examples") || member.dir.starts_with("tests");
        if member.has_program && outside {
            build = build.arg("-p").arg(&member.name);
            any = true;
        }
    }
    if any {
        done(build.run())?;
    }
    variables.push(("SIO_BIN_DIR", workspace.target.join("debug").into_os_string()));
    Ok(variables)
}

/// Installs the npm packages unless they are there and newer than the lists that name them.
pub(crate) fn packages(dir: &Path) -> Result<(), String> {
    let changed = |file: &str| fs::metadata(dir.join(file)).and_then(|m| m.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    let lists: Vec<SystemTime> =
        ["package.json", "package-lock.json"].into_iter().filter_map(changed).collect();
    if lists.is_empty() || installed.is_some_and(|at| lists.iter().all(|list| *list <= at)) {
        return Ok(());
    }
    let verb =
        if dir.join("package-lock.json").is_file() { "ci" } else { "install --no-package-lock" };
    let npm = Cmd::new("npm").dir(dir).args(verb).args("--ignore-scripts --no-audit --no-fund");
    done(npm.run())
}

/// Installs the Python packages of a list into a folder of their own, unless that was done.
fn python_packages(list: &Path, folder: &Path) -> Result<(), String> {
    let wanted = fs::read_to_string(list).map_err(|e| format!("{}: {e}", list.display()))?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // What an older list wanted goes.
    drop(fs::remove_dir_all(folder));
    let pip = Cmd::new("python3").args("-m pip install --quiet --disable-pip-version-check");
    let pip = pip.arg("--target").arg(&folder.to_string_lossy());
    done(pip.arg("--requirement").arg(&list.to_string_lossy()).run())?;
    fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))
}

fn done(out: Outcome) -> Result<(), String> {
    if out.ok { Ok(()) } else { Err(out.why) }
}

/// Named one by one: Node.js 20 takes no patterns.
fn test_files(dir: &Path) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    files.sort();
    files
}
