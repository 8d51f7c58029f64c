//! Point 24: every diagnostic of the macros has a case with its text; `tests/macros` compares them.

use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("the folder can be read").path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

#[test]
fn e24_every_diagnostic_has_its_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../macros/tests/ui");
    let files = files(&folder);
    let with = |extension: &str| -> Vec<PathBuf> {
        let of = files.iter().filter(|file| file.extension().is_some_and(|e| e == extension));
        let mut stems: Vec<_> = of.map(|file| file.with_extension("")).collect();
        stems.sort();
        stems
    };
    let (cases, texts) = (with("rs"), with("stderr"));
    assert!(cases.len() > 50, "only {} cases in {}", cases.len(), folder.display());
    assert_eq!(cases, texts, "a case without text, or a text without case");
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "stderr")) {
        let text = fs::read_to_string(file).expect("a text can be read");
        assert!(text.contains("error"), "{} tells no error", file.display());
    }
}
