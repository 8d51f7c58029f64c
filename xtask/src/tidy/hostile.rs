//! Rules about `docs/hostile.md`: no case, limit or promise is missing, and each has a test that is named after
//! its number.

use super::Report;
use super::files::File;
use super::proofs::Tests;

const PAGE: &str = "docs/hostile.md";

/// What the page counts: the letter before the numbers, how many there are, how their tests begin.
const SERIES: [(&str, usize, &str); 3] =
    [("", 94, "row_"), ("L", 34, "limit_"), ("P", 25, "promise_")];
/// What is proved by a program of its own, and the words that name it.
const BY_PROGRAM: [(&str, &str); 1] = [("P25", "`cargo xtask soak`")];

pub(crate) fn check(files: &[File], report: &mut Report) {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        report.error(PAGE, "is missing");
        return;
    };
    let tests = Tests::collect(files);
    for (letter, count, prefix) in SERIES {
        let mut expected = 1;
        for (at, number, proof) in rows(page, letter) {
            if number != expected {
                let what = format_args!("found {letter}{number}, expected {letter}{expected}");
                report.error(&at, what);
            }
            expected = number + 1;
            let name = format!("{letter}{number}");
            if BY_PROGRAM.iter().any(|(known, words)| *known == name && proof.contains(words)) {
                continue;
            }
            judge(&at, &format!("{prefix}{number:02}_"), proof, &tests, report);
        }
        if expected != count + 1 {
            report.error(PAGE, format_args!("ends before {letter}{count}"));
        }
    }
}

/// The rows whose number has this letter, each with its place, number and last cell.
fn rows<'a>(page: &'a File, letter: &str) -> impl Iterator<Item = (String, usize, &'a str)> {
    page.text.lines().enumerate().filter_map(move |(index, line)| {
        let cells = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        let (number, _) = cells.split_once('|')?;
        let number = number.trim().strip_prefix(letter)?.parse().ok()?;
        let (_, proof) = cells.rsplit_once('|')?;
        Some((page.at(index), number, proof))
    })
}

/// The tests exist, and one of them has the number in its name.
fn judge(at: &str, prefix: &str, proof: &str, tests: &Tests<'_>, report: &mut Report) {
    let mut named = false;
    // What stands between two backquotes is every second part.
    for name in proof.split('`').skip(1).step_by(2) {
        // The package may stand before it: `sio-core server_worker::bounds::…`.
        let name = name.rsplit(' ').next().unwrap_or(name);
        // Where it is, alone, is for the reader.
        if !name.contains("::") {
            continue;
        }
        if !tests.has(name) {
            report.error(at, format_args!("there is no test `{name}`"));
        }
        named |= name.rsplit("::").next().is_some_and(|test| test.starts_with(prefix));
    }
    if !named {
        report.error(at, format_args!("names no test `{prefix}…`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(rows: &str) -> Vec<String> {
        let test = "#[test]\nfn row_01_a() {}\n#[test]\nfn row_02_b() {}\n#[test]\nfn other() {}\n";
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [file(PAGE, rows), file("tests/hostile/tests/http.rs", test)];
        let mut report = Report::default();
        check(&files, &mut report);
        // The other series are not there at all.
        report.errors.retain(|error| !error.contains("ends before"));
        report.errors
    }

    #[test]
    fn numbers_have_no_gap_and_tests_exist_and_have_the_number() {
        let first = "| 1 | a | b | `http::row_01_a` |\n";
        assert_eq!(errors(first), [""; 0]);
        assert_eq!(
            errors(&format!(
                "{first}| 2 | a | `tests/hostile` `http::row_02_b`, `x http::other` |"
            )),
            [""; 0]
        );
        for wrong in [
            "| 3 | a | b | `http::row_01_a` |",
            "| 2 | a | b | `http::row_01_a` |",
            "| 2 | a | b | `http::row_02_c` |",
            "| 2 | a | b | `http::row_02_b`, `http::row_02_c` |",
            "| 2 | a | b | `http::other` |",
            "| 2 | a | b | none |",
        ] {
            assert!(!errors(&format!("{first}{wrong}\n")).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn a_page_that_ends_early_is_told() {
        let mut report = Report::default();
        let page = File { path: PAGE.to_owned(), text: String::new() };
        check(&[page], &mut report);
        assert_eq!(report.errors.len(), SERIES.len());
    }
}
