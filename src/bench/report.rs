//! What a benchmark found: latencies, figures by name, medians over runs, and how they are printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::process::{self, Machine, Usage};

/// Ten minutes; anything longer is recorded as that.
const LONGEST_MICROSECONDS: u64 = 600_000_000;

/// Latencies to three digits between a microsecond and ten minutes.
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

impl Latency {
    /// # Errors
    /// Never in practice: the bounds are constant.
    pub fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, 3).context("latency histogram")?;
        Ok(Self(histogram))
    }

    pub fn record(&mut self, elapsed: Duration) {
        self.record_microseconds(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn record_microseconds(&mut self, elapsed: u64) {
        self.0.saturating_record(elapsed.max(1));
    }

    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so that every value of one fits the other.
        let merged = self.0.add(&other.0);
        debug_assert!(merged.is_ok());
    }

    pub fn clear(&mut self) {
        self.0.reset();
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    pub fn milliseconds_at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    pub fn max_milliseconds(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Figure {
    name: String,
    unit: &'static str,
    value: f64,
}

/// Named numbers of one run, in the order they are printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(Vec<Figure>);

impl Figures {
    pub fn add(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.0.push(Figure { name: name.into(), unit, value });
    }

    pub fn count(&mut self, name: impl Into<String>, value: u64) {
        self.add(name, "", value as f64);
    }

    /// `count / elapsed`; left out when nothing was timed.
    pub fn rate(&mut self, name: impl Into<String>, count: u64, elapsed: Duration) {
        if !elapsed.is_zero() {
            self.add(name, "/s", count as f64 / elapsed.as_secs_f64());
        }
    }

    pub fn latency(&mut self, name: &str, latency: &Latency) {
        if latency.count() == 0 {
            return;
        }
        self.add(format!("{name} p50"), "ms", latency.milliseconds_at(0.5));
        self.add(format!("{name} p99"), "ms", latency.milliseconds_at(0.99));
        self.add(format!("{name} max"), "ms", latency.max_milliseconds());
    }

    /// CPU seconds between two looks at the server for each million operations, and its memory at the second look.
    pub fn server(&mut self, name: &str, before: Option<Usage>, after: Option<Usage>, operations: u64) {
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        let cpu = after.cpu_seconds - before.cpu_seconds;
        self.add(format!("{name} server CPU"), "s", cpu);
        if operations > 0 {
            let per_million = cpu * 1e6 / operations as f64;
            self.add(format!("{name} server CPU per million"), "s", per_million);
        }
        self.add(format!("{name} server memory"), "MiB", mebibytes(after.resident_bytes));
        let peak = mebibytes(after.peak_resident_bytes);
        self.add(format!("{name} server peak memory"), "MiB", peak);
    }

    #[cfg(test)]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    fn to_map(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0.iter().map(|figure| (figure.name.clone(), serde_json::json!(figure.value))).collect()
    }

    fn to_text(&self, out: &mut String) {
        let width = self.0.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        for Figure { name, unit, value } in &self.0 {
            let separator = if unit.is_empty() || *unit == "/s" { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name:<width$}  {}{separator}{unit}", number(*value));
        }
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Whole numbers as they are, large ones rounded, small ones to three digits.
fn number(value: f64) -> String {
    if value == value.trunc() || value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    let digits = if value.abs() >= 10.0 { 1 } else { 3 };
    format!("{value:.digits$}")
}

/// The median of each figure over the runs that have it; the mean of the middle two for an even count.
pub fn medians(runs: &[Figures]) -> Figures {
    let mut order: Vec<(&str, &'static str)> = Vec::new();
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for figure in runs.iter().flat_map(|run| &run.0) {
        let seen = values.entry(&figure.name).or_default();
        if seen.is_empty() {
            order.push((&figure.name, figure.unit));
        }
        seen.push(figure.value);
    }
    let mut result = Figures::default();
    for (name, unit) in order {
        let Some(seen) = values.get_mut(name) else {
            continue;
        };
        seen.sort_by(f64::total_cmp);
        let upper = seen.len() / 2;
        let value = if seen.len() % 2 == 1 { seen[upper] } else { (seen[upper - 1] + seen[upper]) / 2.0 };
        result.add(name, unit, value);
    }
    result
}

/// A finished benchmark.
pub struct Report {
    pub benchmark: &'static str,
    pub runs: Vec<Figures>,
    /// Promises that the server broke, in words.
    pub faults: Vec<String>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    benchmark: &'a str,
    command_line: &'a str,
    machine: &'a Machine,
    runs: Vec<serde_json::Map<String, serde_json::Value>>,
    median: serde_json::Map<String, serde_json::Value>,
    faults: &'a [String],
}

impl Report {
    /// Prints the report; an error when it holds faults, so that scripts notice.
    pub fn finish(self, json: bool) -> anyhow::Result<()> {
        let command_line = std::env::args().collect::<Vec<_>>().join(" ");
        let machine = process::machine();
        let text = if json { self.json(&command_line, &machine)? } else { self.text(&command_line, &machine) };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{}", text.trim_end()).context("cannot print the report")?;
        if self.faults.is_empty() {
            return Ok(());
        }
        anyhow::bail!("the server broke a promise: {}", self.faults.join("; "))
    }

    fn json(&self, command_line: &str, machine: &Machine) -> anyhow::Result<String> {
        let report = JsonReport {
            benchmark: self.benchmark,
            command_line,
            machine,
            runs: self.runs.iter().map(Figures::to_map).collect(),
            median: medians(&self.runs).to_map(),
            faults: &self.faults,
        };
        serde_json::to_string_pretty(&report).context("cannot encode the report")
    }

    fn text(&self, command_line: &str, machine: &Machine) -> String {
        let mut out = format!(
            "{command_line}\nmachine: {} cores ({}), Linux {}, load generator on cores {}\n",
            machine.cores, machine.cpu, machine.kernel, machine.load_cores
        );
        let count = self.runs.len();
        for (index, run) in self.runs.iter().enumerate() {
            let _ = writeln!(out, "run {} of {count}", index + 1);
            run.to_text(&mut out);
        }
        if count > 1 {
            let _ = writeln!(out, "median of {count} runs");
            medians(&self.runs).to_text(&mut out);
        }
        for fault in &self.faults {
            let _ = writeln!(out, "FAULT: {fault}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(pairs: &[(&str, f64)]) -> Figures {
        let mut result = Figures::default();
        for (name, value) in pairs {
            result.add(*name, "/s", *value);
        }
        result
    }

    #[test]
    fn latency_reports_its_quantiles_in_milliseconds() {
        let mut latency = Latency::new().unwrap();
        for milliseconds in 1..=100 {
            latency.record(Duration::from_millis(milliseconds));
        }
        let mut later = Latency::new().unwrap();
        later.record(Duration::from_secs(10_000));
        assert!((latency.milliseconds_at(0.5) - 50.0).abs() < 0.1);
        assert!((latency.milliseconds_at(0.99) - 99.0).abs() < 0.1);
        latency.merge(&later);
        assert_eq!(latency.count(), 101);
        assert!((latency.max_milliseconds() - 600_000.0).abs() < 600.0);
        latency.clear();
        assert_eq!(latency.count(), 0);
    }

    #[test]
    fn medians_keep_the_order_and_take_the_middle() {
        let runs = [figures(&[("b", 1.0), ("a", 10.0)]), figures(&[("b", 9.0), ("a", 20.0)]), figures(&[("b", 2.0)])];
        assert_eq!(medians(&runs), figures(&[("b", 2.0), ("a", 15.0)]));
        assert_eq!(medians(&[]), Figures::default());
    }

    #[test]
    fn server_figures_need_both_looks() {
        let look = |cpu_seconds| Usage { cpu_seconds, resident_bytes: 64 << 20, peak_resident_bytes: 128 << 20 };
        let mut run = Figures::default();
        run.server("poll", None, Some(look(2.0)), 10);
        assert_eq!(run, Figures::default());
        run.server("poll", Some(look(1.0)), Some(look(3.0)), 500_000);
        assert_eq!(run.get("poll server CPU per million"), Some(4.0));
        assert_eq!(run.get("poll server memory"), Some(64.0));
        assert_eq!(run.get("poll server peak memory"), Some(128.0));
    }

    #[test]
    fn text_and_json_hold_runs_medians_and_faults() {
        let report = Report {
            benchmark: "queue",
            runs: vec![figures(&[("polls", 1.5)]), figures(&[("polls", 2.5)])],
            faults: vec!["one line lost".to_owned()],
        };
        let machine = process::machine();
        let text = report.text("matchday bench queue", &machine);
        assert!(text.contains("run 2 of 2\n  polls  2.500/s\n"), "{text}");
        assert!(text.contains("median of 2 runs\n  polls  2/s\n"), "{text}");
        assert!(text.contains("FAULT: one line lost"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&report.json("matchday bench queue", &machine).unwrap()).unwrap();
        assert_eq!(json["median"]["polls"], 2.0);
        assert_eq!(json["runs"][0]["polls"], 1.5);
        assert!(report.finish(true).is_err());
    }
}
