//! The tables: of everything, and of what `README.md` shows.

use std::fmt::Write as _;
use std::fs;

use super::options::{ROOM_SIZES, SCENARIOS};
use super::results::{Figure, Results};
use crate::sh::root;

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";
/// What the last column divides by.
const PEER: &str = "socketioxide";
const OURS: &str = "sio";

/// What a scenario is, for the first column.
fn about(scenario: &str) -> &'static str {
    match scenario {
        "ack1" => "ack of 16 B, 1 in flight, 100 clients",
        "ack16" => "the same, 16 in flight",
        "ack1k" => "ack of 1 KiB text",
        "ackjson" => "ack of 1 KiB JSON",
        "ackbin" => "ack of 1 KiB binary",
        "ack64k" => "ack of 64 KiB text, 20 clients",
        "ev1" => "event of 16 B and back, 1 in flight",
        "ev16" => "the same, 16 in flight",
        "bc1000" => "broadcast of 64 B to 1,000, per delivery",
        "bc1000w4" => "the same with 1 KiB, 4 in flight",
        "bcbin" => "broadcast of 1 KiB binary to 1,000",
        "room" => "to rooms of 50, 4 in flight, per delivery",
        "conn" => "WebSocket and CONNECT",
        "connup" => "polling, CONNECT and the upgrade",
        "poll" => "ack by long-polling",
        "idle10k" => "memory per idle connection, KiB",
        _ => "",
    }
}

/// What people call a server.
pub(super) fn name(results: &Results, server: &str) -> String {
    match server {
        "stock" => "sio on HttpServer".to_owned(),
        "socketioxide" => format!("socketioxide {}", results.about("socketioxide")),
        "node" => format!("Node.js {}", results.about("socket.io")),
        other => other.to_owned(),
    }
}

fn figure(results: &Results, server: &str, scenario: &str) -> Option<Figure> {
    let key = if scenario == "idle10k" { "kib_per_client" } else { "server_cpu_us" };
    results.figure(server, scenario, key)
}

/// Every scenario and every server, with ranges.
pub(super) fn table(results: &Results) -> String {
    rows(results, ranged)
}

fn rows(results: &Results, shown: fn(Figure) -> String) -> String {
    let servers = results.servers();
    let compares = servers.contains(&OURS) && servers.contains(&PEER);
    let mut out = "| scenario |".to_owned();
    for server in &servers {
        put(&mut out, format_args!(" {} |", name(results, server)));
    }
    out.push_str(if compares { " sio / socketioxide |\n" } else { "\n" });
    out.push_str(&"|---".repeat(servers.len() + 1 + usize::from(compares)));
    out.push_str("|\n");
    let sizes = ROOM_SIZES.iter().map(|(scenario, _)| scenario);
    for scenario in SCENARIOS.iter().chain(sizes) {
        let figures: Vec<Option<Figure>> =
            servers.iter().map(|server| figure(results, server, scenario)).collect();
        if figures.iter().all(Option::is_none) {
            continue;
        }
        let about = about(scenario);
        let colon = if about.is_empty() { "" } else { ": " };
        put(&mut out, format_args!("| `{scenario}`{colon}{about} |"));
        for figure in figures {
            match figure {
                Some(figure) => put(&mut out, format_args!(" {} |", shown(figure))),
                None => out.push_str(" – |"),
            }
        }
        if compares {
            match ratio(results, scenario) {
                Some(ratio) => put(&mut out, format_args!(" **{ratio:.2}** |")),
                None => out.push_str(" – |"),
            }
        }
        out.push('\n');
    }
    out
}

/// Where and how it was measured.
fn conditions(results: &Results) -> String {
    let about = |key| results.about(key);
    let pinned = if about("pinned") == "true" {
        "; the server on one core, the load generator on another"
    } else {
        ""
    };
    let mut out = format!(
        "Measured {} on {} cores ({}), {}, {}{pinned}.\n",
        about("date"),
        about("cores"),
        about("processor"),
        about("kernel"),
        about("rustc")
    );
    put(
        &mut out,
        format_args!(
            "Median of {} interleaved rounds; microseconds of CPU time of the server's \
         process, if nothing else is said; every answer was compared with what it had to be.\n",
            about("rounds")
        ),
    );
    if about("quick") == "true" {
        out.push_str("**A quick run: it shows that everything works, not how fast it is.**\n");
    }
    out
}

/// For `README.md`: the picture, what it says in one line, and the medians.
fn summary(results: &Results) -> String {
    let mut out = "![CPU time of the server as a multiple of socketioxide's](docs/performance/servers.svg)\n\n".to_owned();
    let ratios: Vec<f64> = SCENARIOS
        .iter()
        .filter(|scenario| **scenario != "idle10k")
        .filter_map(|scenario| ratio(results, scenario))
        .collect();
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratios.iter().copied().fold(0.0, f64::max);
    if !ratios.is_empty() {
        put(
            &mut out,
            format_args!(
                "Over {} scenarios the server's CPU time per message is {low:.2} to {high:.2} of socketioxide {}'s",
                ratios.len(),
                results.about("socketioxide")
            ),
        );
    }
    if let Some(idle) = figure(results, OURS, "idle10k") {
        put(&mut out, format_args!("; an idle connection takes {:.1} KiB", idle.median));
    }
    out.push_str(".\n`cargo xtask bench` repeats it; all figures, and what they do not say, are in [docs/performance.md](docs/performance.md).\n");
    put(&mut out, format_args!("\n{}\n{}", conditions(results), rows(results, bare)));
    out
}

/// Replaces what stands between the marks of both pages.
pub(super) fn write(results: &Results) -> Result<(), String> {
    let range = "The range of the rounds is in brackets.";
    let full = format!("{}{range}\n\n{}", conditions(results), table(results));
    for (page, text) in [("docs/performance.md", full), ("README.md", summary(results))] {
        let path = root().join(page);
        let old = fs::read_to_string(&path).map_err(|e| format!("{page}: {e}"))?;
        match replaced(&old, &text) {
            Some(new) => {
                fs::write(&path, new).map_err(|e| format!("{page}: {e}"))?;
                println!("written: {page}");
            }
            None => println!("{page} has no `{BEGIN}`, `{END}`: left alone"),
        }
    }
    Ok(())
}

fn replaced(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}{END}{after}"))
}

fn ratio(results: &Results, scenario: &str) -> Option<f64> {
    let ours = figure(results, OURS, scenario)?.median;
    Some(ours / figure(results, PEER, scenario)?.median)
}

fn bare(Figure { median, .. }: Figure) -> String {
    let digits = if median < 20.0 { 2 } else { 0 };
    format!("{median:.digits$}")
}

fn ranged(figure: Figure) -> String {
    let Figure { median, lowest, highest } = figure;
    let digits = if median < 20.0 { 2 } else { 0 };
    if lowest.total_cmp(&highest).is_eq() {
        return bare(figure);
    }
    format!("{median:.digits$} [{lowest:.digits$}–{highest:.digits$}]")
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = out.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert_eq!(replaced("text", "new"), None);
        assert_eq!(replaced(&format!("a {END} b {BEGIN}"), "new"), None);
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replaced(&page, "new\n"), Some(format!("a\n{BEGIN}\nnew\n{END}\nb\n")));
    }

    #[test]
    fn the_table_has_medians_ranges_and_the_ratio() {
        let results = results(&[
            ("sio", "ack1", 3.0),
            ("sio", "ack1", 5.0),
            ("socketioxide", "ack1", 8.0),
            ("sio", "poll", 100.0),
        ]);
        let table = table(&results);
        assert!(table.contains("| 4.00 [3.00–5.00] | 8.00 | **0.50** |"), "{table}");
        assert!(table.contains("| 100 | – | – |"), "{table}");
        assert!(!table.contains("ack16"));
        let summary = summary(&results);
        assert!(summary.contains("0.50 to 0.50"), "{summary}");
        assert!(summary.contains("| 4.00 | 8.00 | **0.50** |"), "{summary}");
    }
}
