//! What does the server count, and how does Prometheus read it? `/metrics` in the OpenMetrics text form.
//!
//! Operations come from the core's closed set of routes, so no caller can make new time series.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use supertokens_core::figures::Figures;
use supertokens_core::{Core, LastRun, PoolFigures};

/// The media type of [`Metrics::text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From half a millisecond to ten seconds.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Took {
    operation: &'static str,
    method: &'static str,
}

/// A number that only grows.
pub(crate) type Count = Counter<u64, AtomicU64>;

/// All numbers of this process.
pub(crate) struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    took: Family<Took, Histogram>,
    connections: Gauge,
    panics: Count,
    refused_streams: Count,
}

impl Metrics {
    /// Numbers of this process and of its core.
    pub(crate) fn new(core: &Core) -> Self {
        let mut registry = Registry::with_prefix("supertokens");
        let answered = Family::default();
        let took = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let connections = Gauge::default();
        let panics = Count::default();
        let refused_streams = Count::default();
        registry.register("requests", "Requests answered, by operation and status", Family::clone(&answered));
        registry.register_with_unit(
            "request_duration",
            "From the whole request to the whole answer",
            Unit::Seconds,
            Family::clone(&took),
        );
        registry.register("connections", "Connections that are open", connections.clone());
        registry.register("panics", "Requests that ended in a panic", Counter::clone(&panics));
        registry.register(
            "http2_refused_streams",
            "HTTP/2 requests refused because too much is not through yet",
            Counter::clone(&refused_streams),
        );
        registry.register_collector(Box::new(CoreNumbers(core.clone())));
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        registry.register_collector(Box::new(ProcessNumbers { started }));
        Self { registry, answered, took, connections, panics, refused_streams }
    }

    /// A request was answered. An unknown operation has empty names.
    pub(crate) fn answered(&self, method: &'static str, operation: &'static str, status: u16, took: Duration) {
        self.answered.get_or_create(&Answered { operation, method, status }).inc();
        self.took.get_or_create(&Took { operation, method }).observe(took.as_secs_f64());
    }

    /// Requests that ended in a panic, for whoever notices.
    pub(crate) fn panics(&self) -> &Count {
        &self.panics
    }

    /// HTTP/2 requests that were not let in, for whoever refuses them.
    pub(crate) fn refused_streams(&self) -> &Count {
        &self.refused_streams
    }

    /// The number of open connections, for whoever opens and closes them.
    pub(crate) fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// Everything as text.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What the core counts by itself.
struct CoreNumbers(Core);

impl std::fmt::Debug for CoreNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CoreNumbers")
    }
}

impl Collector for CoreNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.0.figures();
        let counters = [
            ("sessions_created", "Sessions created", figures.sessions_created),
            ("sessions_refreshed", "Sessions refreshed", figures.sessions_refreshed),
            ("sessions_revoked", "Sessions revoked, on request or after theft", figures.sessions_revoked),
            ("thefts_detected", "Reused refresh tokens that were answered as theft", figures.thefts_detected),
            ("signing_keys_created", "Rotating signing keys made by this process", figures.signing_keys_created),
            ("database_trips", "Round trips to the database", figures.database_trips),
            ("database_statements", "Statements sent to the database", self.0.db().statements()),
        ];
        for (name, help, value) in counters {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        users(&figures, &mut encoder)?;
        jobs(&figures, &mut encoder)?;
        hashing(&figures, &mut encoder)?;
        let takes_writes = ConstGauge::new(i64::from(self.0.db().takes_writes()));
        let help = "Whether the database is known to refuse writes (0) or not (1)";
        takes_writes.encode(encoder.encode_descriptor("database_takes_writes", help, None, takes_writes.metric_type())?)?;
        let Some(pool) = self.0.db().pool_state() else { return Ok(()) };
        let gauges = [
            ("database_pool_max", "Most connections to the database", pool.max),
            ("database_pool_size", "Connections to the database", pool.size),
            ("database_pool_available", "Connections to the database that are free", pool.available),
            ("database_pool_waiting", "Requests that wait for a connection to the database", pool.waiting),
        ];
        for (name, help, value) in gauges {
            let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}

/// How many there are, and who comes in. Nothing is counted for a scrape: a job does it now and then.
fn users(figures: &Figures, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    if figures.recipes.iter().any(|of| of.users.is_some()) {
        let help = "Login methods in the database, by recipe, as the job `count users` found them";
        let mut family = encoder.encode_descriptor("users", help, None, MetricType::Gauge)?;
        for of in &figures.recipes {
            ConstGauge::new(of.users.unwrap_or_default()).encode(family.encode_family(&[("recipe", of.recipe)])?)?;
        }
    }
    let mut family = encoder.encode_descriptor("sign_ups", "Users made by this process", None, MetricType::Counter)?;
    for of in &figures.recipes {
        ConstCounter::new(of.signed_up).encode(family.encode_family(&[("recipe", of.recipe)])?)?;
    }
    let help = "Users let in, and attempts refused, by this process";
    let mut family = encoder.encode_descriptor("sign_ins", help, None, MetricType::Counter)?;
    for of in &figures.recipes {
        for (outcome, count) in [("ok", of.signed_in), ("refused", of.refused)] {
            ConstCounter::new(count).encode(family.encode_family(&[("recipe", of.recipe), ("outcome", outcome)])?)?;
        }
    }
    Ok(())
}

/// Periodic work: what has not succeeded yet has no time.
fn jobs(figures: &Figures, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let mut family = encoder.encode_descriptor("job_failures", "Runs of periodic work that failed", None, MetricType::Counter)?;
    for job in &figures.jobs {
        ConstCounter::new(job.failures).encode(family.encode_family(&[("job", job.name)])?)?;
    }
    let done = || figures.jobs.iter().filter_map(|job| job.last.map(|last| (job.name, last)));
    if done().next().is_none() {
        return Ok(());
    }
    type Read<N> = fn(&LastRun) -> N;
    let seconds: [(&str, &str, Read<f64>); 2] = [
        ("job_last_success_timestamp", "End of the last run that succeeded, since 1970-01-01", |last| {
            Duration::from_millis(u64::try_from(last.at).unwrap_or_default()).as_secs_f64()
        }),
        ("job_last_duration", "How long that run took", |last| last.took.as_secs_f64()),
    ];
    for (name, help, read) in seconds {
        let mut family = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for (job, last) in done() {
            ConstGauge::new(read(&last)).encode(family.encode_family(&[("job", job)])?)?;
        }
    }
    let help = "How many rows, or tenants, that run concerned";
    let mut family = encoder.encode_descriptor("job_last_rows", help, None, MetricType::Gauge)?;
    for (job, last) in done() {
        ConstGauge::new(i64::try_from(last.rows).unwrap_or(i64::MAX)).encode(family.encode_family(&[("job", job)])?)?;
    }
    Ok(())
}

/// The threads that hash passwords, and the queues in front of them.
fn hashing(figures: &Figures, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    type Read<N> = fn(&PoolFigures) -> N;
    let counters: [(&str, &str, Read<u64>); 3] = [
        ("password_hashes", "Passwords hashed, to store or to compare them", |pool| pool.done),
        ("password_hashes_refused", "Passwords not hashed, as too many were waiting", |pool| pool.refused),
        ("password_hashes_left", "Passwords not hashed, as their callers left while they were waiting", |pool| pool.left),
    ];
    for (name, help, read) in counters {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (algorithm, pool) in &figures.hashing {
            ConstCounter::new(read(pool)).encode(family.encode_family(&[("algorithm", *algorithm)])?)?;
        }
    }
    let help = "How long passwords that were hashed had waited for it, in all";
    let mut family = encoder.encode_descriptor("password_hash_wait", help, Some(&Unit::Seconds), MetricType::Counter)?;
    for (algorithm, pool) in &figures.hashing {
        let waited = Duration::from_millis(pool.waited_ms).as_secs_f64();
        ConstCounter::new(waited).encode(family.encode_family(&[("algorithm", *algorithm)])?)?;
    }
    let gauges: [(&str, &str, Read<usize>); 2] = [
        ("password_hashes_waiting", "Passwords that wait to be hashed", |pool| pool.waiting),
        ("password_hashes_running", "Passwords that are being hashed", |pool| pool.running),
    ];
    for (name, help, read) in gauges {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (algorithm, pool) in &figures.hashing {
            let value = i64::try_from(read(pool)).unwrap_or(i64::MAX);
            ConstGauge::new(value).encode(family.encode_family(&[("algorithm", *algorithm)])?)?;
        }
    }
    Ok(())
}

/// What the operating system knows of this process.
#[derive(Debug)]
struct ProcessNumbers {
    started: f64,
}

impl Collector for ProcessNumbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let started = ConstGauge::new(self.started);
        let help = "Start of the process since 1970-01-01";
        started.encode(encoder.encode_descriptor("process_start_time", help, Some(&Unit::Seconds), started.metric_type())?)?;
        if let Some(bytes) = resident_memory() {
            let memory = ConstGauge::new(bytes);
            let help = "Resident memory of the process";
            memory.encode(encoder.encode_descriptor(
                "process_resident_memory",
                help,
                Some(&Unit::Bytes),
                memory.metric_type(),
            )?)?;
        }
        Ok(())
    }
}

/// Bytes of memory in use; only Linux says so in a file.
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes: i64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
