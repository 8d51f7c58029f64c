//! What the page may not say.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

fn tree() -> Vec<File> {
    let rust = "#[test]\nfn a_test() {}\n\nfn no_test() {}\n\n#[tokio::test(flavor = \"x\")]\nasync fn waits() {}\n";
    vec![
        file("tests/integration/tests/raw_a.rs", rust),
        file("sio-core/src/packet/tests.rs", rust),
        file("tests/interop/rooms.test.mjs", "inModes(test, \"join one\", …"),
    ]
}

/// The errors about one row of section 1.
fn errors(row: &str) -> Vec<String> {
    let page = file(PAGE, &format!("# Page\n\n## 1 Paths\n\n{row}\n"));
    let mut report = Report::default();
    let sections = sections(&page, &mut report);
    let files = tree();
    let tests = Tests::collect(&files);
    for row in sections.iter().flat_map(|(_, rows)| rows) {
        judge(row, &tests, &mut report);
    }
    report.errors
}

#[test]
fn proofs_have_to_exist() {
    for proof in [
        "`raw_a::another_test`",
        "`raw_a::a_test`, `raw_b::a_test`",
        "`raw_a::no_test`",
        "`raw_a::raw_b::a_test`",
        "`a_test`",
        "`rooms.test.mjs: join two`",
        "`limits.test.mjs: join one`",
        "`rooms.test.mjs: `",
        "a_test",
        "",
    ] {
        assert_eq!(errors(&format!("| 1.1 | must | paths | {proof} |")).len(), 1, "{proof}");
    }
    for proof in [
        "`raw_a::a_test`",
        "`raw_a::waits`, `rooms.test.mjs: join one`",
        "`packet::tests::a_test`",
        "`integration::raw_a::a_test`",
        "`raw_a::a_test`; differs: it answers `400`",
    ] {
        assert_eq!(errors(&format!("| 1.1 | must | paths | {proof} |")), [""; 0], "{proof}");
    }
}

#[test]
fn only_what_should_be_may_be_left_out_and_with_a_reason() {
    assert_eq!(errors("| 1.4 | should | paths | not offered: there are none |"), [""; 0]);
    assert_eq!(errors("| 1.4 | should | paths | differs: there are none |"), [""; 0]);
    assert_eq!(errors("| 1.4 | should | paths | not offered: |").len(), 1);
    assert_eq!(errors("| 1.1 | must | paths | `raw_a::a_test`; not offered: no |").len(), 1);
    assert_eq!(errors("| 1.1 | must | paths | differs: no |").len(), 1);
    assert_eq!(errors("| 1.1 | must | paths | differs: no `raw_a::a_test` |").len(), 1);
    assert_eq!(errors("| 1.1 | must | paths | `raw_a::a_test`; differs: |").len(), 1);
    assert_eq!(errors("| 1.1 | must | | `raw_a::a_test` |").len(), 1);
    assert_eq!(errors("| 1.1 | must | `raw_a::a_test` |").len(), 1);
}

#[test]
fn no_entry_is_lost_or_out_of_order() {
    let count = |text: &str| {
        let page = file(PAGE, text);
        let mut report = Report::default();
        let sections = sections(&page, &mut report);
        numbering(&sections, &mut report);
        report.errors.len()
    };
    let mut whole = String::new();
    for (section, priorities) in (1..).zip(SECTIONS) {
        whole += &format!("## {section} Title\n\n");
        for (number, priority) in (1..).zip(priorities.chars()) {
            let priority = if priority == 'm' { "must" } else { "should" };
            whole += &format!("| {section}.{number} | {priority} | a | b |\n");
        }
    }
    assert_eq!(count(&whole), 0);
    assert_eq!(count(&whole.replace("| 41.9 | must | a | b |\n", "")), 1);
    assert_eq!(count(&whole.replace("| 41.9 | must", "| 41.9 | should")), 1);
    assert_eq!(count(&whole.replace("| 41.9 |", "| 41.8 |")), 1);
    assert_eq!(count(&whole.replace("## 41 Title", "## 42 Title")), 1);
}

#[test]
fn differences_are_listed_and_only_they() {
    let count = |list: &str, proof: &str| {
        let page =
            format!("{DIFFERENCES}\n\n{list}\n\n## 1 Paths\n\n| 1.1 | must | a | {proof} |\n");
        let page = file(PAGE, &page);
        let mut report = Report::default();
        let sections = sections(&page, &mut report);
        differences(&page, &sections, &mut report);
        report.errors.len()
    };
    assert_eq!(count("- slashes ([1.1](#1-paths))", "differs: no"), 0);
    assert_eq!(count("- slashes ([1.1](#1-paths))", "`raw_a::a_test`"), 1);
    assert_eq!(count("", "differs: no"), 1);
}

#[test]
fn deviations_of_the_architecture_are_differences() {
    let count = |line: &str, proof: &str| {
        let page = file(
            PAGE,
            &format!("## 1 Paths\n\n| 1.1 | must | a | {proof} |\n| 1.2 | must | b | c |\n"),
        );
        let mut report = Report::default();
        let sections = sections(&page, &mut report);
        let text = format!("# A\n\n{}\n\n- {line}\n\n## Other (9.9)\n", ARCHITECTURE.1);
        deviations(&file(ARCHITECTURE.0, &text), &sections, &mut report);
        report.errors.len()
    };
    assert_eq!(count("paths end (1.1);", "differs: no"), 0);
    assert_eq!(count("after 1.5 s (at most 2.5 s), and (see below)", "`raw_a::a_test`"), 0);
    assert_eq!(count("paths end (1.1, 1.2);", "differs: no"), 1);
    assert_eq!(count("paths end (1.1);", "`raw_a::a_test`"), 1);
    assert_eq!(count("paths end", "`raw_a::a_test`"), 0);
}
