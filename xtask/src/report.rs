//! The table at the end, the line after it, and the report that GitLab reads.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::cases::{Case, Counts, End};

/// What became of one suite.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) suite: String,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
    /// Why it was left out or could not run.
    pub(crate) remark: Option<String>,
}

/// The table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<12} {:>7} {:>7} {:>7} {:>8}\n",
        "suite", "passed", "failed", "skipped", "seconds"
    );
    for row in rows {
        let Counts { passed, failed, skipped } = row.counts;
        let mut line = format!(
            "{:<12} {passed:>7} {failed:>7} {skipped:>7} {:>8.1}",
            row.suite,
            row.took.as_secs_f64()
        );
        if let Some(first) = row.remark.as_deref().and_then(|remark| remark.lines().next()) {
            let _infallible = write!(line, "  {first}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// All suites together.
pub(crate) fn total(rows: &[Row]) -> Counts {
    let mut total = Counts::default();
    for row in rows {
        total += row.counts;
    }
    total
}

/// The last line.
pub(crate) fn summary(total: Counts) -> String {
    let Counts { passed, failed, skipped } = total;
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

/// Whether the whole is good. A pipeline accepts no skips, and nobody an empty run.
pub(crate) fn good(total: Counts, in_pipeline: bool) -> bool {
    total.failed == 0 && total.passed > 0 && !(in_pipeline && total.skipped > 0)
}

/// Writes a `JUnit` report, for suites whose runner writes none.
pub(crate) fn write_junit(path: &Path, suite: &str, cases: &[Case]) -> anyhow::Result<()> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n");
    let _infallible = writeln!(text, "<testsuite name=\"{suite}\" tests=\"{}\">", cases.len());
    for case in cases {
        let inside = match case.end {
            End::Passed => "",
            End::Failed => "<failure message=\"the log has the reason\"/>",
            End::Skipped => "<skipped/>",
        };
        let name = escaped(&case.name);
        let _infallible =
            writeln!(text, "<testcase classname=\"{suite}\" name=\"{name}\">{inside}</testcase>");
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, text)?)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: u32, failed: u32, skipped: u32) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn only_a_run_without_failures_is_good_and_a_pipeline_accepts_no_skips() {
        for (total, on_a_desk, in_a_pipeline) in [
            (counts(3, 0, 0), true, true),
            (counts(3, 0, 1), true, false),
            (counts(3, 1, 0), false, false),
            (counts(0, 0, 0), false, false),
        ] {
            assert_eq!(good(total, false), on_a_desk, "{total:?}");
            assert_eq!(good(total, true), in_a_pipeline, "{total:?}");
        }
    }

    #[test]
    fn the_table_has_a_line_for_each_suite_and_its_remark() {
        let took = Duration::from_millis(1250);
        let browser = Row {
            suite: "browser".to_owned(),
            counts: counts(0, 0, 1),
            took,
            remark: Some("no Chromium\nsecond line".to_owned()),
        };

        let text = table(&[browser]);

        let line = text.lines().nth(1).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["browser", "0", "0", "1", "1.2", "no", "Chromium"]
        );
        assert_eq!(summary(counts(1, 2, 3)), "1 passed, 2 failed, 3 skipped");
    }

    #[test]
    fn names_are_escaped_in_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("junit/unit.xml");
        let case = Case { name: "a<b> & \"c\"".to_owned(), end: End::Failed };

        write_junit(&path, "unit", &[case]).unwrap();

        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("name=\"a&lt;b&gt; &amp; &quot;c&quot;\"><failure"), "{text}");
    }
}
