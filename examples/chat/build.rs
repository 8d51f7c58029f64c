//! Installs the official browser client, which this example and others serve, into the build folder.

use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "4.8.4";

fn main() {
    // From the folder of whichever example is built.
    println!("cargo::rerun-if-changed=../chat/build.rs");
    match client() {
        Ok(folder) => println!("cargo::rustc-env=SOCKET_IO_CLIENT={}", folder.display()),
        Err(why) => println!("cargo::error={why}"),
    }
}

/// The folder of the package, installed if it is not there yet.
fn client() -> Result<PathBuf, String> {
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: build with cargo")?;
    // Another version gets another folder, so what is there is what is wanted.
    let prefix = Path::new(&out).join(format!("client-{VERSION}"));
    let folder = prefix.join("node_modules").join("socket.io-client");
    let bundle = folder.join("dist").join("socket.io.js");
    if !bundle.is_file() {
        install(&prefix)?;
    }
    if bundle.is_file() {
        Ok(folder)
    } else {
        Err(format!("npm installed no {}", bundle.display()))
    }
}

fn install(prefix: &Path) -> Result<(), String> {
    std::fs::create_dir_all(prefix).map_err(|e| format!("{}: {e}", prefix.display()))?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let options = "--quiet --no-audit --no-fund --no-save --no-package-lock --ignore-scripts";
    let output = Command::new(npm)
        .arg("install")
        .args(options.split(' '))
        .arg("--prefix")
        .arg(prefix)
        .arg(format!("socket.io-client@{VERSION}"))
        .current_dir(prefix)
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => "`npm` was not found: install Node.js, which brings it; \
                 the example serves the browser client of the npm package socket.io-client"
                .to_owned(),
            _ => format!("`npm` cannot be run: {error}"),
        })?;
    if output.status.success() {
        return Ok(());
    }
    // One line, because cargo shows no more of a message.
    let words = String::from_utf8_lossy(&output.stderr).replace('\n', "; ");
    Err(format!("`npm install socket.io-client@{VERSION}` failed: {words}"))
}
