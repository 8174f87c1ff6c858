//! The telemetry settings that every process shares.

use telemetry::{Exported, LogFilter, LogFormat, Otlp, Settings};

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
        about: "Collector for traces, metrics and logs, OTLP over HTTP with protobuf. Unset: none are sent. The other OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER* and OTEL_RESOURCE_ATTRIBUTES variables apply as well.",
    },
    Variable {
        name: "OTEL_TRACES_EXPORTER",
        default: "otlp",
        about: "`otlp`, or `none`: no spans are made.",
    },
    Variable {
        name: "OTEL_METRICS_EXPORTER",
        default: "otlp",
        about: "`otlp`, or `none`: figures are on the health port only.",
    },
    Variable {
        name: "OTEL_LOGS_EXPORTER",
        default: "otlp",
        about: "`otlp`, or `none`: log lines are on standard error only.",
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
    let mut is_exported =
        |variable: &'static str| match read.or::<String>(variable, "otlp").as_deref() {
            Some("otlp") => Some(true),
            Some("none") => Some(false),
            Some(other) => {
                let message = format!("`{other}` cannot be used: expected `otlp` or `none`");
                read.problem(variable, message)
            }
            None => None,
        };
    let traces = is_exported("OTEL_TRACES_EXPORTER");
    let metrics = is_exported("OTEL_METRICS_EXPORTER");
    let logs = is_exported("OTEL_LOGS_EXPORTER");
    let disabled = read.or::<String>("OTEL_SDK_DISABLED", "false");

    read.finish(|| {
        let disabled = disabled?.eq_ignore_ascii_case("true");
        let otlp = if endpoint?.is_some() && !disabled { Otlp::FromEnvironment } else { Otlp::Off };
        let exported = Exported { traces: traces?, metrics: metrics?, logs: logs? };
        Some(Settings { otlp, exported, log_format: log_format?, log_filter: log_filter? })
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
    fn each_signal_can_be_left_out() {
        let exported = |variable| {
            let env = Env::from([("OTEL_METRICS_EXPORTER", "otlp"), (variable, "none")]);
            telemetry_settings(&env).unwrap().exported
        };
        let all = Exported::default();

        assert_eq!(telemetry_settings(&Env::default()).unwrap().exported, all);
        assert_eq!(exported("OTEL_TRACES_EXPORTER"), Exported { traces: false, ..all });
        assert_eq!(exported("OTEL_LOGS_EXPORTER"), Exported { logs: false, ..all });
        let env = Env::from([("OTEL_METRICS_EXPORTER", "none")]);
        let without = telemetry_settings(&env).unwrap().exported;
        assert_eq!(without, Exported { metrics: false, ..all });
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let env = Env::from([
            ("LOG_FILTER", "loud"),
            ("LOG_FORMAT", "xml"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"),
            ("OTEL_LOGS_EXPORTER", "console"),
        ]);

        let problems = telemetry_settings(&env).unwrap_err();

        let expected =
            ["LOG_FILTER", "LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_LOGS_EXPORTER"];
        assert_eq!(problems.names(), expected);
    }
}
