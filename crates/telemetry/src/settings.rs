//! What can be chosen from outside.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// How a process reports about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Whether traces, metrics and logs are pushed to a collector.
    pub otlp: Otlp,
    /// Which of them.
    pub exported: Exported,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Which events become log lines.
    pub log_filter: LogFilter,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            otlp: Otlp::Off,
            exported: Exported::default(),
            log_format: LogFormat::Json,
            log_filter: LogFilter::default(),
        }
    }
}

/// What is pushed to a collector, if anything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Spans. Without them there are none, and no trace ids.
    pub traces: bool,
    /// Figures. The scrape endpoint has them all the same.
    pub metrics: bool,
    /// Log lines. They are written all the same.
    pub logs: bool,
}

impl Default for Exported {
    fn default() -> Self {
        Self { traces: true, metrics: true, logs: true }
    }
}

/// Whether traces, metrics and logs are pushed to a collector.
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

/// Which events become log lines: `info`, or `warn,gateway=debug`.
///
/// Levels by target prefix, nothing more; spans are not filtered by it. Of the libraries below us
/// only warnings appear unless the filter names them.
#[derive(Debug, Clone, PartialEq)]
pub struct LogFilter(pub(crate) Targets);

impl Default for LogFilter {
    fn default() -> Self {
        Self(Targets::new().with_default(LevelFilter::INFO))
    }
}

impl FromStr for LogFilter {
    type Err = InvalidLogFilter;

    fn from_str(text: &str) -> Result<Self, InvalidLogFilter> {
        for part in text.split(',') {
            // A word alone would be a target with all its levels, and everything else silent: a
            // misspelt level, not a wish.
            let level = part.rsplit_once('=').map_or(part, |(_target, level)| level);
            if level.is_empty() || level.parse::<LevelFilter>().is_err() {
                return Err(InvalidLogFilter(level.to_owned()));
            }
        }
        text.parse().map(Self).map_err(|_error| InvalidLogFilter(text.to_owned()))
    }
}

/// Why a text is no [`LogFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no level; expected `off`, `error`, `warn`, `info`, `debug` or `trace`, alone or \
     behind a target, as in `info,llm_worker=debug`"
)]
pub struct InvalidLogFilter(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_alone_and_behind_targets() {
        for filter in ["info", "WARN", "off", "warn,gateway=debug", "gateway=debug", "a::b=trace"] {
            assert!(filter.parse::<LogFilter>().is_ok(), "{filter}");
        }
        assert_eq!("info".parse(), Ok(LogFilter::default()));
    }

    #[test]
    fn a_word_that_is_no_level_is_quoted_beside_those_that_are() {
        for (filter, word) in [
            ("loud", "`loud`"),
            ("info,gateway", "`gateway`"),
            ("alpha=loud", "`loud`"),
            ("info,", "``"),
            ("gateway=", "``"),
        ] {
            let error = filter.parse::<LogFilter>().unwrap_err().to_string();
            assert!(error.starts_with(word) && error.contains("`warn`"), "{filter}: {error}");
        }
    }
}
