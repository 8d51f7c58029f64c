//! Drawings as SVG: bars and curves, readable in front of light and dark.

use std::fmt::Write as _;

/// Of the whole drawing.
const WIDTH: f64 = 760.0;
/// Left of the plot, for words; right of it, for what a line says at its end.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 84.0;
/// Colours of the series in front of light and of dark; distinct to people who see few colours, too.
const COLOURS: &[(&str, &str)] = &[
    ("#0b6e99", "#4db6e2"),
    ("#7fb8d0", "#2b7593"),
    ("#d9822b", "#f0a860"),
    ("#8a8f98", "#9aa0aa"),
];

/// What a picture says in words.
pub(super) struct Titles<'a> {
    pub(super) title: &'a str,
    pub(super) below: &'a str,
}

/// A line of a curve, or one of the bars of each group.
pub(super) struct Series {
    pub(super) name: String,
    /// For curves: where and how much. For bars: the number of the group and how much.
    pub(super) points: Vec<(f64, f64)>,
}

/// Horizontal bars, in groups. `limit` cuts what is longer; its figure is written all the same.
pub(super) fn bars(titles: &Titles<'_>, groups: &[&str], series: &[Series], limit: f64) -> String {
    const BAR: f64 = 11.0;
    const GAP: f64 = 12.0;
    let group_height = BAR * series.len() as f64 + GAP;
    let bottom = TOP + group_height * groups.len() as f64;
    let mut out = head(titles, bottom + 30.0, series);
    let scale = (WIDTH - LEFT - RIGHT - 40.0) / limit;
    let ticks = step(limit);
    let mut value = 0.0;
    while value <= limit * 1.001 {
        let x = LEFT + value * scale;
        line(&mut out, "grid", (x, TOP - 6.0), (x, bottom));
        text(&mut out, "small middle", (x, bottom + 16.0), &short(value));
        value += ticks;
    }
    for (index, group) in groups.iter().enumerate() {
        let top = TOP + group_height * index as f64;
        let middle = top + BAR * series.len() as f64 / 2.0 + 4.0;
        text(&mut out, "end", (LEFT - 10.0, middle), group);
        for (row, one) in series.iter().enumerate() {
            let Some((_, value)) = one.points.iter().find(|(at, _)| *at == index as f64) else {
                continue;
            };
            let y = top + BAR * row as f64;
            let width = value.min(limit) * scale;
            put(
                &mut out,
                format_args!(
                    "<rect class=\"c{row}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\n",
                    BAR - 1.5
                ),
            );
            text(&mut out, "small", (LEFT + width + 4.0, y + BAR - 2.5), &short(*value));
        }
    }
    tail(out)
}

/// Curves over a logarithmic axis from the smallest to the largest point; what is measured starts at 0.
pub(super) fn curves(titles: &Titles<'_>, axis: &str, series: &[Series]) -> String {
    const HEIGHT: f64 = 240.0;
    let bottom = TOP + HEIGHT;
    let all = || series.iter().flat_map(|one| &one.points);
    let first = all().map(|(x, _)| x.log10()).fold(f64::INFINITY, f64::min).floor();
    let last = all().map(|(x, _)| x.log10()).fold(first + 1.0, f64::max).ceil();
    let high = all().map(|(_, y)| *y).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let tick = step(high);
    let limit = (high / tick).ceil() * tick;
    let left = 64.0;
    let x = |value: f64| left + (value.log10() - first) / (last - first) * (WIDTH - left - 40.0);
    let y = |value: f64| bottom - value / limit * HEIGHT;
    let mut out = head(titles, bottom + 52.0, series);
    let mut value = 0.0;
    while value <= limit * 1.001 {
        line(&mut out, "grid", (left, y(value)), (WIDTH - 40.0, y(value)));
        text(&mut out, "small end", (left - 8.0, y(value) + 4.0), &short(value));
        value += tick;
    }
    let mut power = first;
    while power <= last {
        let at = x(10_f64.powf(power));
        line(&mut out, "grid", (at, bottom), (at, bottom + 5.0));
        text(&mut out, "small middle", (at, bottom + 20.0), &grouped(10_f64.powf(power)));
        power += 1.0;
    }
    text(&mut out, "small middle", (f64::midpoint(left, WIDTH - 40.0), bottom + 40.0), axis);
    for (row, one) in series.iter().enumerate() {
        let points: Vec<String> =
            one.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        put(
            &mut out,
            format_args!("<polyline class=\"l{row}\" points=\"{}\"/>\n", points.join(" ")),
        );
        for (a, b) in &one.points {
            put(
                &mut out,
                format_args!(
                    "<circle class=\"c{row}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>\n",
                    x(*a),
                    y(*b)
                ),
            );
        }
    }
    tail(out)
}

/// The frame, the words above the plot, and the names of the series.
fn head(titles: &Titles<'_>, height: f64, series: &[Series]) -> String {
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n<title>{}</title>\n<style>\n",
        escaped(titles.title)
    );
    out.push_str("text{fill:#24292f}.small{font-size:11px;fill:#57606a}.end{text-anchor:end}.middle{text-anchor:middle}\n");
    out.push_str(".grid{stroke:#d0d7de;stroke-width:1}polyline{fill:none;stroke-width:2}\n");
    let rules = |out: &mut String, pick: fn(&(&'static str, &'static str)) -> &'static str| {
        for (row, colours) in COLOURS.iter().enumerate() {
            let colour = pick(colours);
            put(out, format_args!(".c{row}{{fill:{colour}}}.l{row}{{stroke:{colour}}}"));
        }
        out.push('\n');
    };
    rules(&mut out, |colours| colours.0);
    out.push_str("@media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}");
    rules(&mut out, |colours| colours.1);
    out.push_str("}\n</style>\n");
    put(
        &mut out,
        format_args!(
            "<text x=\"0\" y=\"18\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
            escaped(titles.title)
        ),
    );
    text(&mut out, "small", (0.0, 37.0), titles.below);
    let mut x = 0.0;
    for (row, one) in series.iter().enumerate() {
        put(
            &mut out,
            format_args!(
                "<rect class=\"c{row}\" x=\"{x:.0}\" y=\"51\" width=\"11\" height=\"11\"/>\n"
            ),
        );
        text(&mut out, "", (x + 16.0, 61.0), &one.name);
        x += 40.0 + 7.2 * one.name.chars().count() as f64;
    }
    out
}

fn tail(mut out: String) -> String {
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    put(
        out,
        format_args!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(out: &mut String, class: &str, at: (f64, f64), words: &str) {
    put(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
            at.0,
            at.1,
            escaped(words)
        ),
    );
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = out.write_fmt(what);
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

/// A round distance between 3 to 8 marks up to `limit`.
fn step(limit: f64) -> f64 {
    let power = 10_f64.powf((limit / 4.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|tick| limit / tick <= 6.0)
        .unwrap_or(limit)
}

/// Three digits that count.
fn short(value: f64) -> String {
    let text = match value {
        _ if value >= 100.0 => return grouped(value.round()),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_that_count() {
        let shown = [0.0, 0.182, 1.0, 5.257, 10.04, 118.4, 12_345.0].map(short);
        assert_eq!(shown, ["0", "0.18", "1", "5.26", "10", "118", "12,345"]);
    }

    #[test]
    fn marks_are_round_and_few() {
        for limit in [0.7, 1.0, 3.0, 6.5, 40.0, 999.0] {
            let marks = limit / step(limit);
            assert!((2.0..=6.0).contains(&marks), "{limit}: {marks}");
        }
    }

    #[test]
    fn words_cannot_break_the_drawing() {
        let series =
            [Series { name: "a<b & c".to_owned(), points: vec![(10.0, 1.0), (100.0, 2.0)] }];
        let titles = Titles { title: "<t>", below: "b" };
        for drawing in [curves(&titles, "x", &series), bars(&titles, &["g"], &series, 3.0)] {
            assert!(drawing.contains("a&lt;b &amp; c") && drawing.contains("&lt;t>"));
            assert!(drawing.ends_with("</svg>\n"));
        }
    }
}
