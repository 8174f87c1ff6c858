//! The telemetry settings that every process shares.

use telemetry::{LogFilter, LogFormat, Otlp, Settings};

use crate::{Env, Problems, Variable};

/// The variables that [`telemetry_settings`] reads.
pub const TELEMETRY_VARIABLES: &[Variable] = &[
    Variable {
        name: "LOG_FILTER",
        default: "info",
        about: "What is logged: a level (off, error, warn, info, debug, trace), and levels of targets: `info,llm_worker=debug`.",
    },
    Variable { name: "LOG_FORMAT", default: "json", about: "`json` or `text`, on standard error." },
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: "",
        about: "Collector for traces and metrics, OTLP over HTTP with protobuf. Unset: none are sent. The other OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER* and OTEL_RESOURCE_ATTRIBUTES variables apply as well.",
    },
    Variable {
        name: "OTEL_SDK_DISABLED",
        default: "false",
        about: "`true` sends no telemetry at all.",
    },
];

/// Reads how this process speaks about itself.
///
/// # Errors
///
/// Every variable that cannot be used.
pub fn telemetry_settings(env: &Env) -> Result<Settings, Problems> {
    let mut read = env.reader();
    let log_filter = read.or::<LogFilter>("LOG_FILTER", "info");
    let log_format = match read.or::<String>("LOG_FORMAT", "json").as_deref() {
        Some("json") => Some(LogFormat::Json),
        Some("text") => Some(LogFormat::Text),
        Some(other) => {
            let message = format!("`{other}` cannot be used: expected `json` or `text`");
            read.problem("LOG_FORMAT", message)
        }
        None => None,
    };
    let endpoint = read.optional::<String>("OTEL_EXPORTER_OTLP_ENDPOINT");
    if let Some(Some(endpoint)) = &endpoint
        && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
    {
        let message =
            format!("`{endpoint}` cannot be used: expected an http:// or https:// address");
        read.problem::<()>("OTEL_EXPORTER_OTLP_ENDPOINT", message);
    }
    let disabled = read.or::<String>("OTEL_SDK_DISABLED", "false");

    read.finish(|| {
        let disabled = disabled?.eq_ignore_ascii_case("true");
        let otlp = if endpoint?.is_some() && !disabled { Otlp::FromEnvironment } else { Otlp::Off };
        Some(Settings { otlp, log_format: log_format?, log_filter: log_filter? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_exported_unless_an_endpoint_is_named() {
        let off = telemetry_settings(&Env::default()).unwrap();
        let on = telemetry_settings(&Env::from([(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://127.0.0.1:4318",
        )]))
        .unwrap();

        assert!(matches!(off.otlp, Otlp::Off));
        assert!(matches!(on.otlp, Otlp::FromEnvironment));
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let env = Env::from([
            ("LOG_FILTER", "loud"),
            ("LOG_FORMAT", "xml"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"),
        ]);

        let problems = telemetry_settings(&env).unwrap_err();

        assert_eq!(problems.names(), ["LOG_FILTER", "LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT"]);
    }
}
