//! The tests of the tree, by the names under which pages call them as witnesses.

use std::collections::HashMap;

use super::files::File;

/// The tests of the tree.
pub(super) struct Tests<'a> {
    /// Names of Rust tests by the stem of their file; those of `x/tests.rs` stand under `x` as well.
    rust: HashMap<&'a str, Vec<&'a str>>,
    /// Texts of JavaScript tests by the name of their file.
    scripts: HashMap<&'a str, &'a str>,
}

impl<'a> Tests<'a> {
    pub(super) fn collect(files: &'a [File]) -> Self {
        let mut tests = Self { rust: HashMap::new(), scripts: HashMap::new() };
        for file in files {
            let mut parts = file.path.rsplit('/');
            let (name, folder) = (parts.next().unwrap_or_default(), parts.next());
            if name.ends_with(".test.mjs") {
                tests.scripts.insert(name, &file.text);
            } else if let Some(stem) = name.strip_suffix(".rs") {
                let folder = folder.filter(|_| matches!(stem, "tests" | "main" | "mod"));
                for stem in [Some(stem), folder].into_iter().flatten() {
                    tests.rust.entry(stem).or_default().extend(rust_tests(&file.text));
                }
            }
        }
        tests
    }

    pub(super) fn has(&self, name: &str) -> bool {
        if let Some((file, title)) = name.split_once(".test.mjs: ") {
            let file = format!("{file}.test.mjs");
            let text = self.scripts.get(file.as_str());
            return text.is_some_and(|text| !title.is_empty() && text.contains(title));
        }
        let Some((path, test)) = name.rsplit_once("::") else { return false };
        // The file is the last of the modules, but for those that hold the tests of a file.
        let stem = path.strip_suffix("::tests").unwrap_or(path).rsplit("::").next();
        let tests = stem.and_then(|stem| self.rust.get(stem));
        tests.is_some_and(|tests| tests.contains(&test))
    }
}

/// The names of the functions with a test attribute.
fn rust_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
            return None;
        }
        if !std::mem::take(&mut is_test) {
            return None;
        }
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split('(').next()
    })
}
