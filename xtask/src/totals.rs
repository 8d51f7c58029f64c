//! Reading the totals that test runners print, and the closing table.

/// What a runner counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) counts: Counts,
    /// `ok`, or why the step failed or was left out.
    pub(crate) note: String,
}

impl Counts {
    fn add(&mut self, word: &str, n: usize) {
        match word {
            "passed" | "pass" => self.passed += n,
            "failed" | "fail" | "timed" | "exec" | "cancelled" => self.failed += n,
            "skipped" | "ignored" | "todo" => self.skipped += n,
            _ => {}
        }
    }

    /// `4 passed (1 slow, 1 flaky), 1 failed, 2 skipped`, or the same with semicolons.
    fn add_list(&mut self, list: &str) {
        let mut depth = 0_usize;
        let outside: String = list
            .chars()
            .filter(|c| {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            })
            .collect();
        for part in outside.split([',', ';']) {
            let mut words = part.trim_matches([' ', ')', '.']).split_whitespace();
            if let (Some(Ok(n)), Some(word)) = (words.next().map(str::parse), words.next()) {
                self.add(word, n);
            }
        }
    }
}

/// Totals in the output of cargo test, nextest, or `node --test` (spec and tap reporters).
pub(crate) fn read(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            counts.add_list(rest.split_once(". ").map_or(rest, |(_, list)| list));
        } else if line.starts_with("Summary [") {
            counts.add_list(line.split_once(" run: ").map_or("", |(_, list)| list));
        } else if let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))
            && let Some((word, Ok(n))) = rest.split_once(' ').map(|(w, n)| (w, n.parse()))
        {
            counts.add(word, n);
        }
    }
    counts
}

/// Prints the table and, as the very last line, the sums. Says whether nothing failed.
///
/// The sums count tests. A check has none: it adds one failure when it fails, and nothing otherwise.
pub(crate) fn print(rows: &[Row]) -> bool {
    let width = rows.iter().map(|r| r.name.len()).max().unwrap_or(0).max(4);
    println!("\n{:width$}  {:>7}  {:>7}  {:>7}", "step", "passed", "failed", "skipped");
    let mut sum = Counts::default();
    for Row { name, counts, note } in rows {
        let shown = |n: usize| {
            if *counts == Counts::default() { "-".to_owned() } else { n.to_string() }
        };
        println!(
            "{name:width$}  {:>7}  {:>7}  {:>7}  {note}",
            shown(counts.passed),
            shown(counts.failed),
            shown(counts.skipped)
        );
        sum.passed += counts.passed;
        sum.failed += counts.failed;
        sum.skipped += counts.skipped;
    }
    println!("\nTOTAL: {} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    sum.failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: usize, failed: usize, skipped: usize) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_test_lines_are_summed() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        assert_eq!(read(text), counts(5, 1, 1));
    }

    #[test]
    fn nextest_summary_counts_every_kind_of_failure() {
        let text = "     Summary [   0.012s] 9/10 tests run: 4 passed (1 slow, 1 flaky), 2 failed, 2 timed out, 1 exec failed, 3 skipped";
        assert_eq!(read(text), counts(4, 5, 3));
        let one = "     Summary [   0.012s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(read(one), counts(1, 0, 0));
    }

    #[test]
    fn node_reporters_are_read() {
        let tap = "# tests 7\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n# duration_ms 12.5";
        assert_eq!(read(tap), counts(3, 2, 2));
        let spec = "ℹ tests 2\nℹ pass 2\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0";
        assert_eq!(read(spec), counts(2, 0, 0));
    }

    #[test]
    fn other_output_counts_nothing() {
        assert_eq!(read("# Heading 1\nerror: 3 failed to build\nrunning 4 tests"), counts(0, 0, 0));
    }
}
