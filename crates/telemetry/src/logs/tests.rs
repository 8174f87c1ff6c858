//! Lines as a strict parser and a person see them.

use std::error::Error;
use std::fmt;

use tracing::{debug, error, info, trace, warn};

use crate::settings::{LogFormat, Settings};
use crate::testing::{ALPHA, Captured};

/// Runs `log` and gives its only line without the timestamp, which is checked.
fn line(log: impl FnOnce()) -> String {
    let captured = Captured::with(&[ALPHA], None);
    captured.within(log);
    let text = captured.text();
    assert_eq!(text.matches('\n').count(), 1, "one event, one line: {text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();

    let rest = text.trim_end().strip_prefix("{\"timestamp\":\"").unwrap();
    let (timestamp, rest) = rest.split_once("\",").unwrap();
    assert_eq!(timestamp.len(), "2026-01-02T03:04:05.678901Z".len());
    assert!(timestamp.ends_with('Z'));
    rest.to_owned()
}

const HEAD: &str = r#""level":"INFO","target":"alpha","service":"alpha","#;

#[test]
fn fields_are_flat_and_typed() {
    let name = "Ada";

    let written = line(|| {
        info!(target: "alpha", port = 80_u16, http.ratio = -0.5, ok = true, name, "listening");
    });

    let fields = r#""message":"listening","port":80,"http.ratio":-0.5,"ok":true,"name":"Ada"}"#;
    assert_eq!(written, format!("{HEAD}{fields}"));
}

#[test]
fn quotes_newlines_and_controls_are_escaped() {
    let nasty = "a \"b\"\\\r\n\t\u{0}\u{1b}[31m\u{7f}\u{2028}é😀";

    let written = line(|| info!(target: "alpha", nasty, debug = ?nasty, "{}\n{{}}", "x"));

    let json: serde_json::Value = serde_json::from_str(&format!("{{{written}")).unwrap();
    assert_eq!(json["nasty"], nasty);
    assert_eq!(json["debug"], format!("{nasty:?}"));
    assert_eq!(json["message"], "x\n{}");
    let escaped = r#""nasty":"a \"b\"\\\r\n\t\u0000\u001b[31m\u007f"#;
    assert!(written.contains(escaped), "{written}");
}

#[test]
fn numbers_that_json_lacks_become_text() {
    let written = line(|| {
        info!(target: "alpha", nan = f64::NAN, inf = f64::INFINITY, long = u128::MAX, "n");
    });

    let fields = r#""message":"n","nan":"NaN","inf":"inf","long":"340282366920938463463374607431768211455"}"#;
    assert_eq!(written, format!("{HEAD}{fields}"));
}

#[test]
fn a_field_cannot_pose_as_one_of_the_lines_own() {
    let written = line(|| {
        info!(target: "alpha", level = "fine", trace_id = 1, service = "web", "posing");
    });

    let fields =
        r#""message":"posing","field.level":"fine","field.trace_id":1,"field.service":"web"}"#;
    assert_eq!(written, format!("{HEAD}{fields}"));
}

#[test]
fn an_error_is_written_with_its_causes() {
    let refused = Failed("cannot connect", Some(Box::new(Failed("connection \"refused\"", None))));
    let refused: &(dyn Error + 'static) = &refused;

    let written = line(|| error!(target: "alpha", error = refused, "no bus"));

    let end = r#""message":"no bus","error":"cannot connect: connection \"refused\""}"#;
    assert!(written.ends_with(end), "{written}");
}

#[test]
fn an_event_without_message_is_known_by_its_name() {
    let written = line(|| warn!(name: "SpansDropped", target: "alpha", count = 3));
    assert!(written.ends_with(r#""count":3,"message":"SpansDropped"}"#), "{written}");

    let written = line(|| info!(target: "alpha", count = 3));
    assert!(written.ends_with(r#""count":3}"#), "{written}");
}

#[test]
fn the_filter_chooses_by_target_and_holds_libraries_back() {
    let heard = |filter: &str| {
        let settings = Settings { log_filter: filter.parse().unwrap(), ..Settings::default() };
        let captured = Captured::set_up(&[ALPHA], &settings, None);
        captured.within(|| {
            debug!(target: "alpha", "1");
            info!(target: "bus", "2");
            debug!(target: "hyper::client", "3");
            warn!(target: "reqwest", "4");
            info!(target: "opentelemetry_sdk", "5");
            info!(target: "async_nats::connector", "6");
            info!(target: "memory_serve", "7");
            trace!(target: "async_nats::connection", "8");
            debug!(target: "async_nats::jetstream::context", "9");
        });
        let lines = captured.lines();
        lines.iter().map(|line| line["message"].as_str().unwrap()).collect::<String>()
    };

    assert_eq!(heard("info"), "24");
    assert_eq!(heard("debug"), "124");
    assert_eq!(heard("debug,hyper=debug"), "1234");
    assert_eq!(heard("info,async_nats=info,memory_serve=info"), "2467");
    assert_eq!(heard("trace,async_nats=trace,async_nats::connection=trace"), "1246");
    assert_eq!(heard("warn,alpha=debug"), "14");
    assert_eq!(heard("alpha=debug"), "1");
    assert_eq!(heard("off"), "");
}

#[test]
fn text_is_plain_when_nobody_watches() {
    let settings = Settings { log_format: LogFormat::Text, ..Settings::default() };
    let captured = Captured::set_up(&[ALPHA], &settings, None);

    captured.within(|| info!(target: "alpha", port = 80, "listening"));

    let text = captured.text();
    assert!(text.ends_with(" INFO alpha: listening port=80\n"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[derive(Debug)]
struct Failed(&'static str, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}
