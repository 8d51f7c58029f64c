//! Curves from what criterion measured: `benches/micro`, bench `rooms`.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One function of a group of criterion, over its parameter.
pub(super) struct Curve {
    pub(super) group: String,
    pub(super) function: String,
    /// The parameter and nanoseconds for one of what the bench counts, in order.
    pub(super) points: Vec<(f64, f64)>,
}

/// Everything with a number as parameter below criterion's folder.
pub(super) fn curves(criterion: &Path) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for group in folders(criterion) {
        for function in folders(&criterion.join(&group)) {
            let at = criterion.join(&group).join(&function);
            let mut points: Vec<(f64, f64)> =
                folders(&at).iter().filter_map(|point| read(&at.join(point).join("new"))).collect();
            points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            if points.len() > 1 {
                curves.push(Curve { group: group.clone(), function, points });
            }
        }
    }
    curves
}

/// The parameter, and the median for one element.
fn read(folder: &Path) -> Option<(f64, f64)> {
    let json = |name: &str| -> Option<Value> {
        serde_json::from_str(&fs::read_to_string(folder.join(name)).ok()?).ok()
    };
    let bench = json("benchmark.json")?;
    let parameter = bench.get("value_str")?.as_str()?.parse().ok()?;
    let elements = bench.pointer("/throughput/Elements").and_then(Value::as_f64).unwrap_or(1.0);
    let median = json("estimates.json")?.pointer("/median/point_estimate")?.as_f64()?;
    Some((parameter, median / elements))
}

fn folders(at: &Path) -> Vec<String> {
    let entries = fs::read_dir(at).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
