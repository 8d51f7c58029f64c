//! The files tidy looks at: everything in the repository that is text and written by people.

use std::fs;
use std::path::Path;

/// One file, read.
pub(crate) struct File {
    /// Relative to the root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders that hold what tools made.
const SKIPPED: &[&str] =
    &[".git", ".cache", "node_modules", ".next", "target", "corpus", "artifacts"];

impl File {
    pub(crate) fn has_ending(&self, endings: &[&str]) -> bool {
        let ending = self.path.rsplit('/').next().unwrap_or_default().rsplit('.').next();
        ending.is_some_and(|e| endings.contains(&e))
    }

    /// Path and line number of the line with this index.
    pub(crate) fn at(&self, index: usize) -> String {
        format!("{}:{}", self.path, index + 1)
    }
}

pub(crate) fn collect(root: &Path) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<File>) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", dir.display());
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(failed)?;
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() && !name.ends_with(".log") {
            // What is not UTF-8 is not text, and not ours to judge.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}
