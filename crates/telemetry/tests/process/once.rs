//! What `init` does to a process that exports nothing.

use std::fs;

use telemetry::{InitError, Settings, init, names};
use tracing::{info, info_span};

use crate::support::{ALPHA, BETA, in_process};

#[test]
fn a_second_init_is_refused_in_words() {
    in_process("once::a_second_init_is_refused_in_words", &[], || async {
        let settings = Settings::default();
        let _telemetry = init(&[ALPHA], &settings).unwrap();

        let second = init(&[BETA], &settings).unwrap_err();

        assert!(matches!(second, InitError::AlreadyInstalled));
        assert_eq!(second.to_string(), "telemetry is already set up in this process");
    });
}

#[test]
fn without_export_there_are_no_threads_and_logs_still_come() {
    let name = "once::without_export_there_are_no_threads_and_logs_still_come";
    let output = in_process(name, &[], || async {
        let before = threads();

        let telemetry = init(&[ALPHA], &Settings::default()).unwrap();
        names::app::JOBS_ACCEPTED.counter(telemetry.service("alpha").meter()).add(1, &[]);
        info_span!(target: "alpha", "GET").in_scope(|| info!(target: "alpha", "working"));

        assert_eq!(threads(), before);
        assert!(telemetry.service("alpha").prometheus_text().contains("app_jobs_accepted_total 1"));
        telemetry.shutdown().await;
        assert_eq!(threads(), before);
    });
    let Some(output) = output else { return };

    let log = String::from_utf8(output.stderr).unwrap();
    let line = log.lines().find(|line| line.contains("working")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["service"], "alpha");
}

/// How many threads this process has, where the system tells.
fn threads() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}
