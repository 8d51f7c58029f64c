//! The servers that are compared: how they are built and started.

use std::path::Path;

use super::options::Options;
use crate::sh::{Cmd, Service, root, which};
use crate::suites::packages;

/// A server that is ready to be started.
pub(super) struct Server {
    /// Its name in results, and on the command line.
    pub(super) name: String,
    command: Vec<String>,
}

/// What it says when it listens; the address follows.
const LISTENING: &str = "listening on http://";
/// Peers, outside of the workspace.
const SOCKETIOXIDE: &str = "benches/peers/socketioxide";
const NODE: &str = "benches/peers/node";

impl Server {
    fn new(name: &str, command: &str) -> Self {
        let command = command.split_whitespace().map(str::to_owned).collect();
        Self { name: name.to_owned(), command }
    }

    /// Starts it on a free port, on the first core, with as many descriptors as the system gives.
    pub(super) fn start(&self) -> Result<(Service, String), String> {
        let mut cmd = pinned(0);
        for word in &self.command {
            cmd = cmd.arg(word);
        }
        let service = cmd.args("--port 0").start(LISTENING)?;
        let address = service.ready.split_once(LISTENING).map_or("", |(_, rest)| rest);
        let url = format!("http://{}", address.trim());
        Ok((service, url))
    }
}

/// A shell that raises its limit of open files, takes one core, and becomes the program that follows.
pub(super) fn pinned(core: usize) -> Cmd {
    let pin =
        if which("taskset").is_some() { format!("taskset -c {core} ") } else { String::new() };
    let script = format!("ulimit -n \"$(ulimit -H -n)\"; exec {pin}\"$@\"");
    Cmd::new("sh").arg("-c").arg(&script).arg("sh")
}

/// Builds what was asked for, and the load generator.
pub(super) fn prepare(options: &Options, target: &Path) -> Result<Vec<Server>, String> {
    let wanted =
        |name: &str| options.servers.is_empty() || options.servers.iter().any(|s| s == name);
    done(Cmd::cargo().args("build --release -p bench-server -p load").run())?;
    let mut servers = Vec::new();
    let ours = target.join("release").join("bench-server");
    for (name, kind) in [("sio", "sio"), ("stock", "stock")] {
        if wanted(name) {
            let command = format!("{} --workers 1 --server {kind}", ours.display());
            servers.push(Server::new(name, &command));
        }
    }
    if wanted("socketioxide") {
        let folder = target.join("bench").join("socketioxide");
        let build = Cmd::cargo().dir(&root().join(SOCKETIOXIDE)).args("build --release --locked");
        done(build.arg("--target-dir").arg(&folder.to_string_lossy()).run())?;
        let program = folder.join("release").join("bench-socketioxide");
        servers.push(Server::new("socketioxide", &program.to_string_lossy()));
    }
    if wanted("node") {
        let folder = root().join(NODE);
        match which("node") {
            Some(node) => {
                packages(&folder)?;
                let script = folder.join("server.js");
                let command = format!("{} {}", node.display(), script.display());
                servers.push(Server::new("node", &command));
            }
            None => println!("node is not installed: left out"),
        }
    }
    for (name, command) in options.added.iter().filter(|(name, _)| wanted(name)) {
        servers.push(Server::new(name, command));
    }
    let missing = options.servers.iter().find(|name| !servers.iter().any(|s| s.name == **name));
    missing.map_or(Ok(servers), |name| Err(format!("no server `{name}`")))
}

/// The version of a package in the lock file of a peer.
pub(super) fn version(peer: &str) -> Option<String> {
    if peer == "node" {
        let text = std::fs::read_to_string(root().join(NODE).join("package.json")).ok()?;
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        return Some(value.get("dependencies")?.get("socket.io")?.as_str()?.to_owned());
    }
    let text = std::fs::read_to_string(root().join(SOCKETIOXIDE).join("Cargo.lock")).ok()?;
    let (_, rest) = text.split_once(&format!("name = \"{peer}\"\nversion = \""))?;
    Some(rest.split('"').next()?.to_owned())
}

fn done(out: crate::sh::Outcome) -> Result<(), String> {
    if out.ok { Ok(()) } else { Err(out.why) }
}
