//! Programs that tests use and this repository does not build: found, or installed where that is possible.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::sh::{Cmd, which};

/// What Debian's packages ask before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A program that tests use.
pub(crate) struct Program {
    /// The variable that carries its path to the tests; when set already, it is left alone.
    pub(crate) variable: &'static str,
    /// Any of these names counts; whole paths are for what is on nobody's search path.
    names: &'static [&'static str],
    /// The Debian package that brings it.
    package: &'static str,
}

pub(crate) const CHROMIUM: Program = Program {
    variable: "CHROMIUM",
    names: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
};
pub(crate) const PYTHON: Program =
    Program { variable: "SIO_PYTHON", names: &["python3"], package: "python3" };
pub(crate) const PIP: Program =
    Program { variable: "SIO_PIP", names: &["pip3"], package: "python3-pip" };
pub(crate) const PKG_CONFIG: Program =
    Program { variable: "PKG_CONFIG", names: &["pkg-config"], package: "pkg-config" };
/// A header stands for the library.
pub(crate) const OPENSSL: Program = Program {
    variable: "SIO_OPENSSL",
    names: &["/usr/include/openssl/ssl.h"],
    package: "libssl-dev",
};
pub(crate) const REDIS: Program =
    Program { variable: "SIO_REDIS", names: &["redis-server"], package: "redis-server" };
pub(crate) const NGINX: Program =
    Program { variable: "SIO_NGINX", names: &["nginx", "/usr/sbin/nginx"], package: "nginx" };
pub(crate) const HAPROXY: Program = Program {
    variable: "SIO_HAPROXY",
    names: &["haproxy", "/usr/sbin/haproxy"],
    package: "haproxy",
};

impl Program {
    /// The program's path, after installing it where that is possible.
    pub(crate) fn locate(&self) -> Result<OsString, String> {
        let set = std::env::var_os(self.variable).filter(|path| Path::new(path).is_file());
        if let Some(path) = set.or_else(|| self.find()) {
            return Ok(path);
        }
        let is_root = Cmd::new("id").arg("-u").output().is_ok_and(|id| id.trim() == "0");
        if !is_root || which("apt-get").is_none() {
            let package = self.package;
            return Err(format!(
                "`{package}` is missing; install it: sudo apt-get install {package}"
            ));
        }
        apt("update")?;
        let quiet = NoServices::begin();
        let installed = apt(&format!("install -y --no-install-recommends {}", self.package));
        drop(quiet);
        installed?;
        self.find()
            .ok_or_else(|| format!("the package {} brought none of {:?}", self.package, self.names))
    }

    fn find(&self) -> Option<OsString> {
        self.names.iter().find_map(|name| which(name)).map(PathBuf::into_os_string)
    }
}

fn apt(line: &str) -> Result<(), String> {
    let cmd = Cmd::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    let out = cmd.args("-qq -o DPkg::Lock::Timeout=120").args(line).run();
    if out.ok { Ok(()) } else { Err(out.why) }
}

/// While this lives, packages that are installed start no service: tests run programs of their own.
struct NoServices {
    /// The policy is ours.
    written: bool,
}

impl NoServices {
    fn begin() -> Self {
        // One that is there already stays. Ours says no only while this process lives, in case we cannot remove it.
        let text = format!("#!/bin/sh\nkill -0 {} && exit 101\nexit 0\n", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
        let file = options.open(POLICY);
        let written = file.is_ok_and(|mut file| file.write_all(text.as_bytes()).is_ok());
        Self { written }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.written {
            drop(fs::remove_file(POLICY));
        }
    }
}
