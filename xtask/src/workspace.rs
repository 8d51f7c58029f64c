//! What cargo knows about the workspace: members, their dependencies and programs, where output goes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sh::{Cmd, root};

pub(crate) struct Workspace {
    pub(crate) members: Vec<Member>,
    /// Cargo's output folder.
    pub(crate) target: PathBuf,
}

pub(crate) struct Member {
    pub(crate) name: String,
    /// The package's folder, relative to the root.
    pub(crate) dir: PathBuf,
    pub(crate) manifest: PathBuf,
    /// Names of normal and build dependencies.
    pub(crate) dependencies: Vec<String>,
    pub(crate) has_program: bool,
    /// Names of its features, without `default`.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self, String> {
        let json = Cmd::cargo().args("metadata --quiet --no-deps --format-version 1").output()?;
        let start = json.find('{').ok_or("cargo metadata printed no object")?;
        let value: Value = serde_json::from_str(json.get(start..).unwrap_or_default())
            .map_err(|e| format!("cargo metadata: {e}"))?;
        Ok(Self {
            members: list(&value, "packages").map(member).collect(),
            target: PathBuf::from(text(&value, "target_directory")),
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|m| m.name == name)
    }
}

fn member(package: &Value) -> Member {
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let dir = manifest.parent().unwrap_or_else(|| Path::new(""));
    let is_bin = |target: &Value| list(target, "kind").any(|kind| kind.as_str() == Some("bin"));
    Member {
        name: text(package, "name"),
        dir: dir.strip_prefix(root()).unwrap_or(dir).to_owned(),
        dependencies: list(package, "dependencies")
            .filter(|d| d.get("kind").and_then(Value::as_str) != Some("dev"))
            .map(|d| text(d, "name"))
            .collect(),
        has_program: list(package, "targets").any(is_bin),
        features: package
            .get("features")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|features| features.keys().filter(|name| *name != "default").cloned())
            .collect(),
        manifest,
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}
