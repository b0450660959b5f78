//! Counts for Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
};

/// What is counted while the server runs. What the record knows is asked when somebody wants to see it.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<BTreeMap<(&'static str, String), f64>>,
}

/// Something that goes up and down: its name, what it shows, and values with their labels.
pub type Gauge<'a> = (&'a str, &'a str, Vec<(String, f64)>);

/// Names of counters, and what they count.
const COUNTERS: [(&str, &str); 6] = [
    ("kinora_http_requests_total", "Requests that were answered"),
    ("kinora_http_request_seconds_total", "Seconds from requests to their answers"),
    ("kinora_jobs_total", "Jobs that ended"),
    ("kinora_job_seconds_total", "Seconds that jobs were worked on"),
    ("kinora_stage_seconds_total", "Seconds of the stages of jobs that were made"),
    ("kinora_set_aside_total", "Jobs that made room for a shorter one"),
];

impl Metrics {
    /// Adds to a counter.
    pub fn add(&self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        debug_assert!(COUNTERS.iter().any(|(known, _)| *known == name), "{name}");
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((name, label_text(labels))).or_default() += value;
    }

    /// All counters, and these gauges.
    pub fn text(&self, gauges: &[Gauge<'_>]) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, help) in COUNTERS {
            let values = counts.iter().filter(|((counter, _), _)| *counter == name);
            let values: Vec<_> = values.map(|((_, labels), value)| (labels.clone(), *value)).collect();
            family(&mut text, name, help, "counter", &values);
        }
        for (name, help, values) in gauges {
            family(&mut text, name, help, "gauge", values);
        }
        text
    }
}

fn family(text: &mut String, name: &str, help: &str, kind: &str, values: &[(String, f64)]) {
    // Writing to a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (labels, value) in values {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

/// `{a="b"}`, or nothing.
pub fn label_text(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<_> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", labels.join(","))
}

/// Bytes of memory that this process has, and had at most, where the system tells.
pub fn memory() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some((bytes("VmRSS:")?, bytes("VmHWM:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_labels_are_escaped() {
        let metrics = Metrics::default();
        metrics.add("kinora_jobs_total", &[("end", "com\"pleted")], 1.0);
        metrics.add("kinora_jobs_total", &[("end", "com\"pleted")], 1.5);
        let text = metrics.text(&[("kinora_jobs", "Jobs", vec![(label_text(&[("status", "queued")]), 3.0)])]);
        assert!(text.contains("kinora_jobs_total{end=\"com\\\"pleted\"} 2.5\n"), "{text}");
        assert!(text.contains("# TYPE kinora_jobs gauge\nkinora_jobs{status=\"queued\"} 3\n"), "{text}");
    }
}
