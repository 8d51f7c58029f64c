//! The dashboard and the table of metrics know what the page has, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use sio_actix::Metrics;
use sio_actix::prelude::*;

use crate::alone::Lonely;
use crate::page::Page;

/// A page with everything that there can be.
fn whole_page() -> Page {
    let metrics = Metrics::default();
    let io = Io::builder().adapter(Lonely).metrics(&metrics).build();
    let page = Page::read(&metrics.encode());
    drop(io);
    page
}

fn document(name: &str) -> String {
    let path = format!("{}/../../docs/operations/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The names of metrics in a text.
fn names_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("sio_") && *word != "sio_actix")
        .collect()
}

/// All names that the page has, with those of the parts of histograms and counters.
fn queried(page: &Page) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for family in page.families() {
        let suffixes: &[&str] = match page.kind(family) {
            Some("counter") => &["_total"],
            Some("histogram") => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{family}{suffix}")));
    }
    names
}

#[test]
fn a_server_in_a_cluster_shows_what_its_adapter_counts() {
    let page = whole_page();
    assert_eq!(page.get("sio_cluster_published_total"), 7.0);
    assert_eq!(page.get("sio_cluster_connected"), 0.0);
}

#[test]
fn the_dashboard_asks_for_nothing_that_is_not_there() {
    let dashboard: Value = serde_json::from_str(&document("grafana.json")).unwrap();
    let known = queried(&whole_page());
    let mut used = BTreeSet::new();
    let mut panels = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().unwrap();
            let names = names_in(expr);
            assert!(!names.is_empty(), "{expr}");
            for name in names {
                assert!(known.contains(name), "{name} in {expr}");
                used.insert(name.to_owned());
            }
            panels += 1;
        }
    }
    assert!(panels > 20, "{panels}");
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        for name in variable["definition"].as_str().map(names_in).into_iter().flatten() {
            assert!(known.contains(name), "{name}");
        }
    }
    // What is worth counting is worth a look: each family has a panel.
    for family in whole_page().families() {
        let shown = used.iter().any(|name| name.starts_with(family));
        assert!(shown || matches!(family, "sio_workers" | "sio_disconnects"), "{family}");
    }
}

#[test]
fn the_dashboard_has_the_form_that_grafana_loads() {
    let dashboard: Value = serde_json::from_str(&document("grafana.json")).unwrap();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    assert!(dashboard["title"].is_string() && dashboard["uid"].is_string());
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(matches!(panel["type"].as_str(), Some("row" | "stat" | "timeseries")), "{panel}");
        assert!(panel["title"].is_string());
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{panel} is over another");
            }
        }
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
            let references: BTreeSet<&str> = panel["targets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|target| target["refId"].as_str().unwrap())
                .collect();
            assert_eq!(references.len(), panel["targets"].as_array().unwrap().len());
        }
    }
    let variables: BTreeSet<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, BTreeSet::from(["datasource", "instance", "job"]));
}

#[test]
fn the_table_of_metrics_has_all_of_them_and_no_other() {
    let text = document("metrics.md");
    let known = queried(&whole_page());
    let families = whole_page();
    for name in names_in(&text) {
        let is_known = known.contains(name) || families.names().contains(name);
        assert!(is_known, "{name} is no metric");
    }
    let table: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['{', '`']).next())
        .collect();
    for family in families.families() {
        let counter = format!("{family}_total");
        assert!(table.contains(family) || table.contains(counter.as_str()), "{family}");
    }
}
