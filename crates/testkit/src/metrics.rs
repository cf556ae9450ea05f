//! A strict reader of the text that `/metrics` answers: what is not well-formed panics, with the line.
//!
//! It knows both formats, OpenMetrics 1.0 and the text format 0.0.4 of Prometheus, as far as counters, gauges and histograms
//! need them.

use std::collections::HashSet;

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposition {
    /// In the order of the text.
    pub families: Vec<Family>,
}

/// A metric with all its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// As the line `# TYPE` has it.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it means.
    pub help: String,
    /// Of OpenMetrics, if it has one.
    pub unit: Option<String>,
    /// In the order of the text.
    pub samples: Vec<Sample>,
}

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name with its labels, as it stands: `tidings_gaps_total{reason="expired"}`.
    pub series: String,
    /// The number.
    pub value: f64,
}

impl Exposition {
    /// Reads OpenMetrics.
    ///
    /// # Panics
    ///
    /// If that is not what it is.
    pub fn open_metrics(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("OpenMetrics ends with `# EOF`");
        let exposition = Self::parse(body);
        for family in &exposition.families {
            let suffix = if family.kind == "counter" { "_total" } else { "" };
            family.check(suffix);
        }
        exposition
    }

    /// Reads the text format 0.0.4.
    ///
    /// # Panics
    ///
    /// If that is not what it is.
    pub fn prometheus(text: &str) -> Self {
        let exposition = Self::parse(text);
        for family in &exposition.families {
            assert_eq!(family.unit, None, "this format has no units");
            family.check("");
        }
        exposition
    }

    /// The number of a series.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn value(&self, series: &str) -> f64 {
        let found = self.samples().find(|sample| sample.series == series);
        found.unwrap_or_else(|| panic!("there is no series {series}")).value
    }

    /// All numbers.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "each line ends");
        let mut families: Vec<Family> = Vec::new();
        let (mut names, mut series) = (HashSet::new(), HashSet::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect(line);
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                let (name, help) = (name.to_owned(), help.to_owned());
                families.push(Family { name, kind: String::new(), help, unit: None, samples: Vec::new() });
                continue;
            }
            let family = families.last_mut().unwrap_or_else(|| panic!("no family before {line}"));
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                assert_eq!(name, family.name, "{line}");
                family.kind = kind.to_owned();
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').expect(line);
                assert_eq!(name, family.name, "{line}");
                assert!(name.ends_with(&format!("_{unit}")), "{line}");
                family.unit = Some(unit.to_owned());
            } else {
                let (name, value) = line.rsplit_once(' ').expect(line);
                assert!(series.insert(name.to_owned()), "{name} is there twice");
                let value = value.parse().unwrap_or_else(|_| panic!("no number in {line}"));
                family.samples.push(Sample { series: name.to_owned(), value });
            }
        }
        Self { families }
    }
}

impl Family {
    /// The names of its labels, each once, without that of buckets.
    pub fn labels(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.samples.iter().flat_map(Sample::labels).map(|(name, _)| name).collect();
        names.dedup();
        names.retain(|name| *name != "le");
        names
    }

    fn check(&self, counter_suffix: &str) {
        let Self { name, kind, .. } = self;
        assert!(["counter", "gauge", "histogram"].contains(&kind.as_str()), "{name} is a {kind}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(!self.samples.is_empty(), "{name} has no series");
        assert!(kind != "counter" || name.ends_with("_total") != (counter_suffix == "_total"), "{name}");
        for sample in &self.samples {
            let suffixes = match kind.as_str() {
                "histogram" => ["_bucket", "_sum", "_count"].as_slice(),
                _ => &[counter_suffix],
            };
            let own = suffixes.iter().any(|suffix| sample.name().strip_suffix(suffix) == Some(name));
            assert!(own, "{} is no series of {name}", sample.series);
            assert!(sample.value >= 0.0, "{} is {}", sample.series, sample.value);
        }
        if kind == "histogram" {
            self.check_buckets();
        }
    }

    /// Each bucket has what the ones before it have, and the last one has everything.
    fn check_buckets(&self) {
        let buckets: Vec<_> =
            self.samples.iter().filter(|sample| sample.name().ends_with("_bucket")).collect();
        assert!(buckets.is_sorted_by_key(|bucket| bucket.value), "{buckets:?}");
        let last = buckets.last().expect("a histogram has buckets");
        assert!(last.series.ends_with("le=\"+Inf\"}"), "{}", last.series);
        let count = self.samples.iter().find(|sample| sample.name().ends_with("_count"));
        assert_eq!(count.map(|count| count.value), Some(last.value), "{}", self.name);
    }
}

impl Sample {
    /// The name without the labels.
    pub fn name(&self) -> &str {
        self.series.split('{').next().unwrap_or_default()
    }

    /// The labels. Their values have no character that needs an escape.
    ///
    /// # Panics
    ///
    /// If they are not well-formed.
    pub fn labels(&self) -> Vec<(&str, &str)> {
        let Some((_, labels)) = self.series.split_once('{') else { return Vec::new() };
        let labels = labels.strip_suffix('}').expect("labels end with a brace");
        let label = |label| {
            let (name, value): (&str, &str) = str::split_once(label, "=\"").expect("a label has a value");
            let value = value.strip_suffix('"').expect("the value is quoted");
            assert!(!value.contains(['"', '\\', '\n']), "{value}");
            (name, value)
        };
        labels.split(',').map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP a_things_bytes Things.
# TYPE a_things_bytes counter
# UNIT a_things_bytes bytes
a_things_bytes_total{reason=\"x-y\"} 1
a_things_bytes_total{reason=\"z\"} 2
# HELP b_seconds Time.
# TYPE b_seconds histogram
b_seconds_sum 1.5
b_seconds_count 2
b_seconds_bucket{le=\"0.1\"} 1
b_seconds_bucket{le=\"+Inf\"} 2
# EOF
";

    #[test]
    fn numbers_are_found_by_their_series() {
        let exposition = Exposition::open_metrics(TEXT);

        assert_eq!(exposition.value("a_things_bytes_total{reason=\"z\"}"), 2.0);
        assert_eq!(exposition.families[0].labels(), ["reason"]);
        assert_eq!(exposition.families[1].labels(), [""; 0]);
    }

    #[test]
    #[should_panic(expected = "is there twice")]
    fn a_series_that_is_there_twice_is_refused() {
        Exposition::open_metrics(&TEXT.replace("x-y", "z"));
    }

    #[test]
    #[should_panic(expected = "b_seconds_bucket")]
    fn buckets_that_go_down_are_refused() {
        Exposition::open_metrics(&TEXT.replace("0.1\"} 1", "0.1\"} 3"));
    }

    #[test]
    #[should_panic(expected = "ends with `# EOF`")]
    fn a_text_without_its_end_is_refused() {
        Exposition::open_metrics(&TEXT.replace("# EOF\n", ""));
    }
}
