//! What a node tells about itself on the internal port: Prometheus figures and the state of its actors. The registry
//! lives in the context, so that several nodes can run in one process.

use std::sync::Mutex;
use std::time::Duration;

use prometheus::{Encoder, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
use serde_json::{Map, Value};

type Inspector = Box<dyn Fn() -> Value + Send + Sync>;

pub struct Metrics {
    /// Whoever has figures registers them here at startup; names start with `matchday_`.
    pub registry: Registry,
    http_requests: [prometheus::IntCounter; 6],
    http_seconds: Histogram,
    inspectors: Mutex<Vec<(&'static str, Inspector)>>,
}

const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests =
            IntCounterVec::new(Opts::new("matchday_http_requests_total", "HTTP answers by class"), &["class"])?;
        registry.register(Box::new(requests.clone()))?;
        let buckets = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        let http_seconds = Histogram::with_opts(
            HistogramOpts::new("matchday_http_seconds", "Time to an HTTP answer's head").buckets(buckets),
        )?;
        registry.register(Box::new(http_seconds.clone()))?;
        Ok(Self {
            registry,
            http_requests: CLASSES.map(|class| requests.with_label_values(&[class])),
            http_seconds,
            inspectors: Mutex::default(),
        })
    }

    pub fn count_answer(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100);
        self.http_requests[if class < CLASSES.len() { class } else { 0 }].inc();
        self.http_seconds.observe(took.as_secs_f64());
    }

    /// Registers what `/debug/actors` shows under `name`. `inspect` must be quick and must not wait.
    pub fn inspect(&self, name: &'static str, inspect: impl Fn() -> Value + Send + Sync + 'static) {
        let mut inspectors = self.inspectors.lock().unwrap_or_else(|poison| poison.into_inner());
        inspectors.push((name, Box::new(inspect)));
    }

    pub fn inspected(&self) -> Value {
        let inspectors = self.inspectors.lock().unwrap_or_else(|poison| poison.into_inner());
        let states: Map<String, Value> =
            inspectors.iter().map(|(name, inspect)| ((*name).to_owned(), inspect())).collect();
        Value::Object(states)
    }

    /// The text that Prometheus reads.
    pub fn exposition(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
