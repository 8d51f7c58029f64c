//! The pictures under `docs/performance/`.

use std::fs;

use super::options::{ROOM_SIZES, SCENARIOS};
use super::pages::name;
use super::results::Results;
use super::scale::Curve;
use super::svg::{Series, Titles, bars, curves};
use crate::sh::root;

const FOLDER: &str = "docs/performance";
/// Against this one.
const PEER: &str = "socketioxide";
/// Longer bars are cut.
const LONGEST: f64 = 3.0;

/// Pictures from criterion: file, group of the bench, words above and below, and the axis.
const SCALES: &[(&str, &str, Titles<'static>, &str)] = &[
    (
        "delivery.svg",
        "delivery",
        Titles {
            title: "A broadcast within the core, by the size of its room",
            below: "nanoseconds for each delivery, transport left out",
        },
        "sockets in the room",
    ),
    (
        "namespace.svg",
        "namespace",
        Titles {
            title: "Joining, leaving, connecting and disconnecting, by the size of the namespace",
            below: "nanoseconds for each, transport left out",
        },
        "sockets in the namespace",
    ),
    (
        "rooms.svg",
        "rooms",
        Titles {
            title: "The same, and a broadcast to ten, by the number of rooms",
            below: "nanoseconds for each, transport left out",
        },
        "rooms in the namespace",
    ),
];

/// Draws what there are figures for; pictures without keep what they show.
pub(super) fn write(results: &Results, measured: &[Curve]) -> Result<(), String> {
    if let Some(picture) = servers(results) {
        save("servers.svg", &picture)?;
    }
    if let Some(picture) = sizes(results) {
        save("room-size.svg", &picture)?;
    }
    for (file, group, titles, axis) in SCALES {
        let lines = measured.iter().filter(|curve| curve.group == *group);
        let lines: Vec<Series> = lines
            .map(|curve| Series { name: curve.function.clone(), points: curve.points.clone() })
            .collect();
        if !lines.is_empty() {
            save(file, &curves(titles, axis, &lines))?;
        }
    }
    Ok(())
}

/// Every scenario as a multiple of the peer.
fn servers(results: &Results) -> Option<String> {
    let names = results.servers();
    let value = |server: &str, scenario: &str| {
        let key = if scenario == "idle10k" { "kib_per_client" } else { "server_cpu_us" };
        results.figure(server, scenario, key).map(|figure| figure.median)
    };
    let groups: Vec<&str> =
        SCENARIOS.iter().copied().filter(|scenario| value(PEER, scenario).is_some()).collect();
    if groups.is_empty() {
        return None;
    }
    let series = names.iter().map(|server| Series {
        name: name(results, server),
        points: groups
            .iter()
            .enumerate()
            .filter_map(|(at, scenario)| {
                Some((at as f64, value(server, scenario)? / value(PEER, scenario)?))
            })
            .collect(),
    });
    let series: Vec<Series> = series.collect();
    let titles = Titles {
        title: "CPU time of the server, as a multiple of socketioxide's",
        below: "shorter is better; idle10k is memory; bars beyond 3 are cut, their figure is not",
    };
    let longest = series.iter().flat_map(|one| &one.points).map(|(_, y)| *y).fold(1.0, f64::max);
    Some(bars(&titles, &groups, &series, longest.min(LONGEST)))
}

/// A delivery over real connections, by the size of the room.
fn sizes(results: &Results) -> Option<String> {
    let points = |server: &str| -> Vec<(f64, f64)> {
        let figure = |scenario| results.figure(server, scenario, "server_cpu_us");
        ROOM_SIZES
            .iter()
            .filter_map(|(scenario, size)| {
                figure(scenario).map(|figure| (f64::from(*size), figure.median))
            })
            .collect()
    };
    let series: Vec<Series> = results
        .servers()
        .into_iter()
        .map(|server| Series { name: name(results, server), points: points(server) })
        .filter(|one| one.points.len() > 1)
        .collect();
    let titles = Titles {
        title: "A delivery to one of 10,000 clients, by the size of the room",
        below: "CPU time of the server in microseconds, over real connections; one broadcast at a time",
    };
    (!series.is_empty()).then(|| curves(&titles, "clients in the room", &series))
}

fn save(file: &str, picture: &str) -> Result<(), String> {
    let path = root().join(FOLDER).join(file);
    let folder = fs::create_dir_all(root().join(FOLDER));
    folder
        .and_then(|()| fs::write(&path, picture))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    println!("drawn: {FOLDER}/{file}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::results;
    use super::*;

    #[test]
    fn bars_are_multiples_of_the_peer() {
        let measured =
            results(&[("sio", "ack1", 2.0), ("socketioxide", "ack1", 8.0), ("sio", "ev1", 1.0)]);
        let picture = servers(&measured).unwrap();
        assert!(picture.contains(">0.25<") && picture.contains(">ack1<"), "{picture}");
        // Without the peer there is nothing to compare with.
        assert!(!picture.contains(">ev1<"));
        assert!(servers(&results(&[("sio", "ack1", 2.0)])).is_none());
    }

    #[test]
    fn one_size_is_no_curve() {
        assert!(sizes(&results(&[("sio", "room10", 2.0)])).is_none());
        assert!(sizes(&results(&[("sio", "room10", 2.0), ("sio", "room100", 2.0)])).is_some());
    }
}
