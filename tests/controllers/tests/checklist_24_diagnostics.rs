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

/// Text literals of a source file, without comments and unit tests.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "\u{1}");
    code.split('"').skip(1).step_by(2).map(|literal| literal.replace('\u{1}', "\"")).collect()
}

/// The longest stretch of a message that no argument fills.
fn fixed(message: &str) -> String {
    let message = message.replace("{{", "\u{2}").replace("}}", "\u{3}");
    let parts = message.split(['{', '}']).step_by(2);
    let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
    longest.replace('\u{2}', "{").replace('\u{3}', "}").trim().to_owned()
}

/// Files of the macros whose texts are no mistakes of users.
const OTHERS: &[&str] = &["diag.rs", "lib.rs", "strip.rs", "tests.rs"];

#[test]
fn e24_every_message_of_the_macros_has_a_case() {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = files(&packages.join("tests/macros/tests/ui"))
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "stderr"))
        .map(|file| one_line(fs::read_to_string(file).expect("a text can be read")))
        .collect();
    let sources: Vec<PathBuf> = files(&packages.join("sio-macros/src"))
        .into_iter()
        .filter(|file| !OTHERS.iter().any(|other| file.ends_with(other)))
        .collect();
    let (mut messages, mut unseen) = (0, Vec::new());
    for file in sources {
        let source = fs::read_to_string(&file).expect("a source can be read");
        let texts = literals(&source).into_iter().map(|literal| fixed(&one_line(literal)));
        for text in texts.filter(|text| text.len() >= 18 && text.contains(' ')) {
            messages += 1;
            if !shown.contains(&text) {
                unseen.push(format!("{}: {text}", file.display()));
            }
        }
    }
    assert!(messages > 40, "only {messages} messages were found");
    assert!(unseen.is_empty(), "no case shows:\n{}", unseen.join("\n"));
}
