//! Why telemetry could not be set up.

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::error::OTelSdkError;

/// Why [`crate::init`] refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// A global subscriber is there already: `init` was called twice, or a test installed one.
    #[error("telemetry is already set up in this process")]
    AlreadyInstalled,
    /// The list of services was empty.
    #[error("telemetry needs at least one service")]
    NoService,
    /// Two services share a name or a crate, so their spans could not be told apart.
    #[error("the service {0} is listed twice")]
    DuplicateService(&'static str),
    /// The OTLP exporter refused its configuration, for instance an endpoint that is no URL.
    #[error("the OTLP exporter cannot be set up")]
    Exporter(#[from] ExporterBuildError),
    /// The scrape endpoint could not be set up.
    #[error("the Prometheus exporter cannot be set up")]
    Prometheus(#[from] OTelSdkError),
}
