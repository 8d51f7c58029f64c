//! A page of metrics, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use integration::{DEADLINE, Http, Server};

/// The samples of a page by name and labels, as they are written.
#[derive(Debug)]
pub(crate) struct Page {
    samples: BTreeMap<String, f64>,
    /// Families by name, with their types.
    families: BTreeMap<String, String>,
}

impl Page {
    /// Reads a page; it has the form that OpenMetrics demands, as far as that is looked at here.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut samples, mut families) = (BTreeMap::new(), BTreeMap::new());
        let mut family = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                name.clone_into(&mut family);
                assert!(families.insert(family.clone(), kind.to_owned()).is_none(), "{line} twice");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(series.starts_with(&family), "{line} is not of {family}");
                let value = value.parse().unwrap();
                assert!(samples.insert(series.to_owned(), value).is_none(), "{series} twice");
            }
        }
        Self { samples, families }
    }

    /// Asks a server for its page.
    pub(crate) fn of(server: &Server) -> Self {
        let answer = Http::connect(server).get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Self::read(answer.text())
    }

    /// Asks until `is_right` says so.
    #[track_caller]
    pub(crate) fn when(server: &Server, is_right: impl Fn(&Self) -> bool) -> Self {
        let end = Instant::now() + DEADLINE;
        loop {
            let page = Self::of(server);
            if is_right(&page) {
                return page;
            }
            assert!(Instant::now() < end, "it does not come to that: {:#?}", page.non_zero());
            std::thread::yield_now();
        }
    }

    /// The value of a series; one that is not there has counted nothing.
    pub(crate) fn get(&self, series: &str) -> f64 {
        self.samples.get(series).copied().unwrap_or_default()
    }

    /// The series of a family that have a value, with what is between the braces.
    pub(crate) fn series(&self, name: &str) -> BTreeMap<&str, f64> {
        self.samples
            .iter()
            .filter(|(_, value)| **value != 0.0)
            .filter_map(|(series, value)| {
                let labels = series.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}')?;
                Some((labels, *value))
            })
            .collect()
    }

    /// Names that queries may use.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let series = self.samples.keys().map(|series| series.split('{').next().unwrap());
        series.chain(self.families.keys().map(String::as_str)).collect()
    }

    /// The type of a family.
    pub(crate) fn kind(&self, name: &str) -> Option<&str> {
        self.families.get(name).map(String::as_str)
    }

    pub(crate) fn families(&self) -> impl Iterator<Item = &str> {
        self.families.keys().map(String::as_str)
    }

    /// What has a value.
    pub(crate) fn non_zero(&self) -> BTreeMap<&str, f64> {
        let some = self.samples.iter().filter(|(_, value)| **value != 0.0);
        some.map(|(series, value)| (series.as_str(), *value)).collect()
    }
}
