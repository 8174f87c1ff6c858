//! What can be chosen from outside.

/// How a process reports about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether traces and metrics are pushed to a collector.
    pub otlp: Otlp,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Which events become log lines: `info`, or `warn,gateway=debug`. Levels by target prefix,
    /// nothing more; spans are not filtered by it. Of the libraries below us only warnings
    /// appear unless the filter names them.
    pub log_filter: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { otlp: Otlp::Off, log_format: LogFormat::Json, log_filter: "info".to_owned() }
    }
}

/// Whether traces and metrics are pushed to a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Otlp {
    /// No: no spans, no threads, no connection.
    #[default]
    Off,
    /// Yes, over HTTP with protobuf. Where to, with which headers, limits and sampling is read by
    /// the OpenTelemetry SDK itself from the standard `OTEL_…` variables. Two differences: each
    /// service keeps its own `service.name`, and metrics leave every 15 s rather than 60 s when
    /// `OTEL_METRIC_EXPORT_INTERVAL` does not say otherwise.
    FromEnvironment,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// For people; coloured on a terminal.
    Text,
}
