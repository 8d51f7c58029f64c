//! Rules about `docs/compatibility.md`: every behaviour of the catalogue has its row, and every test that
//! a row names as its proof exists.

use std::collections::BTreeSet;

use super::Report;
use super::files::File;
use super::proofs::Tests;

const PAGE: &str = "docs/compatibility.md";
/// Heading of the list of rows that say `differs:`.
const DIFFERENCES: &str = "## Where sio differs";
/// The page with the differences that a client can see, and their heading there.
const ARCHITECTURE: (&str, &str) = ("ARCHITECTURE.md", "## Deviations from the reference");
const DIFFERS: &str = "differs:";
const NOT_OFFERED: &str = "not offered:";
const EXCUSES: [&str; 2] = [DIFFERS, NOT_OFFERED];
/// The priorities of the entries of each section, in order: `m` must, `s` should.
///
/// They stand here so that no entry is lost or made less important with the stroke of a pen.
const SECTIONS: [&str; 41] = [
    "mmmsmmsmsssms",
    "mmsmmmmmmmssmsmmsmmmsssms",
    "mmmmmmmssmmmmmmmssmsmm",
    "mmmmsmmsmm",
    "mmmmmmmmmmmmmms",
    "mmmmmmmmsmmmmmmmsmmmms",
    "msssssssss",
    "mmmmmmmmmsms",
    "ssssss",
    "mmmmmmmmmsmms",
    "mmmmmmmmmmmssmsmsm",
    "mmmmmmsmm",
    "mmmmmsmmmss",
    "mmmmmmmmmmmmmmmmmmmmmms",
    "sss",
    "s",
    "mmmmmmmmmmmsmmmmmmmmsmmm",
    "mmmmmmmmmsmmm",
    "mmmmmmmsmmmmsssmmsmm",
    "mmmmmmmmmmmms",
    "mmmmmmmsss",
    "mmmms",
    "mmmmmmmm",
    "sss",
    "mmmmmmmmmmm",
    "mss",
    "mmmmmmmmmm",
    "mmmss",
    "mmmmmmm",
    "mmmmmmmmmmmm",
    "mmmmss",
    "mmmmmss",
    "sssss",
    "mmmmmmmmmmssss",
    "mmmmmmmmsmmmmmmmm",
    "mmmsms",
    "ssssssssss",
    "mmmmsmsmmms",
    "msmms",
    "ssssssss",
    "mmmmmmmmm",
];

/// One row of a table: `| 5.10 | must | what | proof |`.
struct Row<'a> {
    at: String,
    number: &'a str,
    priority: &'a str,
    what: &'a str,
    proof: &'a str,
}

pub(crate) fn check(files: &[File], report: &mut Report) {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        report.error(PAGE, "is missing");
        return;
    };
    let sections = sections(page, report);
    numbering(&sections, report);
    let tests = Tests::collect(files);
    for row in sections.iter().flat_map(|(_, rows)| rows) {
        judge(row, &tests, report);
    }
    differences(page, &sections, report);
    if let Some(file) = files.iter().find(|file| file.path == ARCHITECTURE.0) {
        deviations(file, &sections, report);
    }
}

/// The rows under each heading `## 5 Engine.IO 4 packets …`, with the number of the heading.
fn sections<'a>(page: &'a File, report: &mut Report) -> Vec<(usize, Vec<Row<'a>>)> {
    let mut sections = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            let number = heading.split(' ').next().and_then(|number| number.parse().ok());
            sections.extend(number.map(|number: usize| (number, Vec::new())));
            continue;
        }
        let Some(cells) = line.strip_prefix('|') else { continue };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if !cells.first().is_some_and(|cell| cell.starts_with(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let (&[number, priority, what, proof, ""], Some((_, rows))) =
            (cells.as_slice(), sections.last_mut())
        else {
            report.error(page.at(index), "a row is `| number | priority | what | proof |`");
            continue;
        };
        rows.push(Row { at: page.at(index), number, priority, what, proof });
    }
    sections
}

/// All sections in order, each with all its entries in order and with their priorities.
fn numbering(sections: &[(usize, Vec<Row<'_>>)], report: &mut Report) {
    let found: Vec<usize> = sections.iter().map(|(number, _)| *number).collect();
    if found != (1..=SECTIONS.len()).collect::<Vec<_>>() {
        let count = SECTIONS.len();
        report.error(PAGE, format_args!("sections are 1 to {count} in order, found {found:?}"));
    }
    for (section, rows) in sections {
        let Some(priorities) = section.checked_sub(1).and_then(|index| SECTIONS.get(index)) else {
            continue;
        };
        if rows.len() != priorities.len() {
            let what = format_args!("has {} entries, found {}", priorities.len(), rows.len());
            report.error(format_args!("{PAGE}, section {section}"), what);
        }
        for ((row, priority), number) in rows.iter().zip(priorities.chars()).zip(1..) {
            if row.number != format!("{section}.{number}") {
                let what = format_args!("found {}, expected {section}.{number}", row.number);
                report.error(&row.at, what);
            }
            let priority = if priority == 'm' { "must" } else { "should" };
            if row.priority != priority {
                report.error(&row.at, format_args!("{} is a `{priority}`", row.number));
            }
        }
    }
}

/// Every row says what it is about and has a proof that exists.
fn judge(row: &Row<'_>, tests: &Tests<'_>, report: &mut Report) {
    let mut fail = |what: &dyn std::fmt::Display| {
        report.error(&row.at, format_args!("{}: {what}", row.number));
    };
    if row.what.is_empty() {
        fail(&"says nothing");
    }
    // Tests come first, an excuse and its reason behind them.
    let excuse = EXCUSES.iter().find_map(|word| Some((*word, row.proof.split_once(word)?)));
    let tests_part = excuse.map_or(row.proof, |(_, (before, _))| before);
    let mut named = 0;
    // What stands between two backquotes is every second part.
    for name in tests_part.split('`').skip(1).step_by(2) {
        named += 1;
        if !tests.has(name) {
            fail(&format_args!("there is no test `{name}`"));
        }
    }
    match excuse {
        Some((_, (_, reason))) if reason.trim().is_empty() => fail(&"gives no reason"),
        Some((NOT_OFFERED, _)) if row.priority == "must" => fail(&"is a `must`, which is offered"),
        Some(_) if row.priority == "should" => {}
        _ if named == 0 => fail(&"names no test"),
        _ => {}
    }
}

/// The list of differences and the rows that say `differs:` name each other.
fn differences(page: &File, sections: &[(usize, Vec<Row<'_>>)], report: &mut Report) {
    // Numbers stand as the text of a link to their section: `[5.10](#…)`.
    let links = part(page, DIFFERENCES).split('[').skip(1);
    let listed: BTreeSet<&str> = links.filter_map(|link| Some(link.split_once("](#")?.0)).collect();
    let said = differing(sections);
    for number in said.difference(&listed) {
        report.error(PAGE, format_args!("{number} differs, and the list does not say so"));
    }
    for number in listed.difference(&said) {
        report.error(PAGE, format_args!("{number} is in the list, and its row has no `differs:`"));
    }
}

/// The deviations of the architecture that name an entry, `… (5.10, 6.1)`, are differences of the page.
fn deviations(file: &File, sections: &[(usize, Vec<Row<'_>>)], report: &mut Report) {
    let said = differing(sections);
    let number = |part: &str| part.parse::<usize>().is_ok();
    let is_entry = |word: &str| word.split_once('.').is_some_and(|(a, b)| number(a) && number(b));
    let groups = part(file, ARCHITECTURE.1).split('(').skip(1);
    let groups = groups.filter_map(|text| Some(text.split_once(')')?.0));
    let groups = groups.filter(|group| group.split(", ").all(is_entry));
    for number in groups.flat_map(|group| group.split(", ")).filter(|n| !said.contains(n)) {
        let what = format_args!("{number} is a deviation, and its row in {PAGE} has no `differs:`");
        report.error(&file.path, what);
    }
}

/// What stands below a heading.
fn part<'a>(file: &'a File, heading: &str) -> &'a str {
    let behind = file.text.split_once(heading).map_or("", |(_, behind)| behind);
    behind.split("\n## ").next().unwrap_or_default()
}

fn differing<'a>(sections: &[(usize, Vec<Row<'a>>)]) -> BTreeSet<&'a str> {
    let rows = sections.iter().flat_map(|(_, rows)| rows);
    rows.filter(|row| row.proof.contains(DIFFERS)).map(|row| row.number).collect()
}

#[cfg(test)]
mod tests;
