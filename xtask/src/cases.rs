//! What the output of a test runner says: how many passed, failed and were left out.

/// How many tests of each end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Counts {
    /// The counts of one check.
    pub(crate) fn of(succeeded: bool) -> Self {
        Self { passed: u32::from(succeeded), failed: u32::from(!succeeded), skipped: 0 }
    }

    /// A runner that failed without naming a test has one failure: it could not build, or died.
    pub(crate) fn ended(mut self, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// One test, for the report that GitLab shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) end: End,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Passed,
    Failed,
    Skipped,
}

/// Reads `cargo test`: `test name ... ok`, and `test result: ok. 3 passed; 0 failed; …`.
#[derive(Debug, Default)]
pub(crate) struct CargoTest {
    pub(crate) counts: Counts,
    pub(crate) cases: Vec<Case>,
    binary: String,
}

impl CargoTest {
    /// Reads one line.
    pub(crate) fn hear(&mut self, line: &str) {
        if let Some(running) = line.trim_start().strip_prefix("Running ") {
            // `Running tests/api/main.rs (target/debug/deps/api-0123456789abcdef)`
            let binary = running.rsplit(['/', '\\']).next().unwrap_or(running);
            let name = binary.trim_end_matches(')').rsplit_once('-').map(|(name, _hash)| name);
            self.binary = name.unwrap_or(binary).to_owned();
        } else if let Some(result) = line.strip_prefix("test result: ") {
            for part in result.split([';', '.']) {
                let words: Vec<&str> = part.split_whitespace().collect();
                let &[number, what] = words.as_slice() else { continue };
                let Ok(number) = number.parse::<u32>() else { continue };
                match what {
                    "passed" => self.counts.passed += number,
                    "failed" => self.counts.failed += number,
                    "ignored" => self.counts.skipped += number,
                    _ => {}
                }
            }
        } else if let Some((name, end)) =
            line.strip_prefix("test ").and_then(|test| test.rsplit_once(" ... "))
        {
            let end = match end.split([',', ' ']).next() {
                Some("ok") => End::Passed,
                Some("ignored") => End::Skipped,
                _ => End::Failed,
            };
            self.cases.push(Case { name: format!("{}::{name}", self.binary), end });
        }
    }
}

/// Reads `pytest`, whose last line is `= 3 passed, 1 skipped in 2.50s =`.
pub(crate) fn of_pytest(line: &str) -> Option<Counts> {
    let line = line.trim_matches(['=', ' ']);
    let (parts, _seconds) = line.rsplit_once(" in ")?;
    let mut counts = Counts::default();
    for part in parts.split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number: u32 = number.parse().ok()?;
        match what {
            "passed" | "xpassed" => counts.passed += number,
            "failed" | "error" | "errors" => counts.failed += number,
            "skipped" | "xfailed" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// Reads `node --test`, which ends with lines such as `ℹ pass 3`.
pub(crate) fn of_node(line: &str, counts: &mut Counts) {
    let line = line.trim_start_matches(['ℹ', '#', ' ']);
    let Some((what, number)) = line.split_once(' ') else { return };
    let Ok(number) = number.parse::<u32>() else { return };
    match what {
        "pass" => counts.passed += number,
        "fail" | "cancelled" => counts.failed += number,
        "skipped" | "todo" => counts.skipped += number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(passed: u32, failed: u32, skipped: u32) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn cargo_is_understood_over_several_binaries() {
        let mut cargo = CargoTest::default();
        for line in "\
     Running unittests src/lib.rs (target/debug/deps/bus-0123456789abcdef)
test jobs::one_is_settled_once ... ok
test jobs::another ... FAILED
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
     Running tests/api/main.rs (target/debug/deps/api-fedcba9876543210)
test slow ... ignored, takes a day
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.25s"
            .lines()
        {
            cargo.hear(line);
        }

        assert_eq!(cargo.counts, counts(3, 1, 1));
        let read: Vec<_> = cargo.cases.iter().map(|case| (case.name.as_str(), case.end)).collect();
        assert_eq!(
            read,
            [
                ("bus::jobs::one_is_settled_once", End::Passed),
                ("bus::jobs::another", End::Failed),
                ("api::slow", End::Skipped),
            ]
        );
    }

    #[test]
    fn pytest_and_node_are_understood() {
        assert_eq!(
            of_pytest("=== 2 failed, 30 passed, 1 skipped in 4.31s ==="),
            Some(counts(30, 2, 1))
        );
        assert_eq!(of_pytest("1 passed, 1 error in 0.10s"), Some(counts(1, 1, 0)));
        assert_eq!(of_pytest("collected 3 items"), None);

        let mut node = Counts::default();
        for line in ["ℹ tests 9", "ℹ pass 5", "ℹ fail 2", "# skipped 1", "ℹ cancelled 1"] {
            of_node(line, &mut node);
        }
        assert_eq!(node, counts(5, 3, 1));
    }

    #[test]
    fn a_runner_that_dies_without_a_word_has_failed() {
        assert_eq!(counts(3, 0, 0).ended(false), counts(3, 1, 0));
        assert_eq!(counts(3, 2, 0).ended(false), counts(3, 2, 0));
        assert_eq!(counts(3, 0, 0).ended(true), counts(3, 0, 0));
    }
}
