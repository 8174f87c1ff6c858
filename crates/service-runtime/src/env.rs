//! Settings from the environment: read through one reader, every problem reported at once.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::masked;

/// A snapshot of environment variables. Tests make their own and never touch the process's.
///
/// Prints as their names: among the values are keys.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of this process, as they are now. Values that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// The value of `name`. An empty value counts as unset, as the OpenTelemetry variables have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Sets `name`, as the launcher does for the services that it runs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Begins to read settings.
    pub fn reader(&self) -> Reader<'_> {
        Reader { env: self, problems: Vec::new() }
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Env {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: String,
    /// What is wrong with it and what was expected. Never the value of a secret.
    pub message: String,
}

impl Problem {
    /// Masked: whoever has written a key into the wrong setting finds it quoted.
    fn of(name: &str, message: &str) -> Self {
        Self { name: masked(name).into_owned(), message: masked(message).into_owned() }
    }
}

/// Every setting that cannot be used, in the order in which they were read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// A single problem.
    pub fn one(name: &str, message: impl Into<String>) -> Self {
        Self(vec![Problem::of(name, &message.into())])
    }

    /// The names of the variables concerned.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|problem| problem.name.as_str()).collect()
    }
}

impl Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}: {}", problem.name, problem.message)?;
        }
        Ok(())
    }
}

/// Reads settings and remembers every problem instead of stopping at the first.
///
/// Each method gives `None` after noting a problem; [`Reader::finish`] turns the notes into
/// [`Problems`], so a caller reads everything first and unwraps with `?` inside `finish`.
#[derive(Debug)]
pub struct Reader<'a> {
    env: &'a Env,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The value of `name`, or `default`, which goes through the same parser.
    pub fn or<T>(&mut self, name: &str, default: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.env.get(name).unwrap_or(default).to_owned();
        self.parse(name, &text)
    }

    /// The value of `name`, if it is set.
    pub fn optional<T>(&mut self, name: &str) -> Option<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.env.get(name).map(str::to_owned) {
            None => Some(None),
            Some(text) => self.parse(name, &text).map(Some),
        }
    }

    /// The value of `name`, which must be set.
    pub fn required<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.env.get(name).map(str::to_owned) {
            Some(text) => self.parse(name, &text),
            None => self.problem(name, "is required and not set"),
        }
    }

    /// An address to listen on.
    pub fn address_or(&mut self, name: &str, default: &str) -> Option<SocketAddr> {
        let text = self.env.get(name).unwrap_or(default).trim().to_owned();
        let port_alone = text.trim_start_matches(':').parse::<u16>();
        match (text.parse(), port_alone) {
            (Ok(address), _) => Some(address),
            (Err(_), Ok(port)) => {
                let message = format!("`{text}` cannot be used: write `127.0.0.1:{port}`");
                self.problem(name, message)
            }
            (Err(_), Err(_)) => {
                let message = "expected an IP address and a port, such as";
                self.problem(name, format!("`{text}` cannot be used: {message} `{default}`"))
            }
        }
    }

    /// A duration in whole milliseconds, between 1 ms and one day.
    pub fn millis_or(&mut self, name: &str, default_ms: u64) -> Option<Duration> {
        const ONE_DAY_MS: u64 = 24 * 60 * 60 * 1000;
        let millis = self.whole_or(name, default_ms)?;
        if (1..=ONE_DAY_MS).contains(&millis) {
            return Some(Duration::from_millis(millis));
        }
        self.problem(name, format!("`{millis}` is not between 1 and {ONE_DAY_MS} milliseconds"))
    }

    /// A number within `range`.
    pub fn number_or(
        &mut self,
        name: &str,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Option<usize> {
        let number = self.whole_or(name, default)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.problem(
            name,
            format!("`{number}` is not between {} and {}", range.start(), range.end()),
        )
    }

    /// A secret from `name`, or from the file that `<name>_FILE` names, without its line end.
    pub fn secret(&mut self, name: &str) -> Option<Option<SecretString>> {
        let from_file = format!("{name}_FILE");
        match (self.env.get(name), self.env.get(&from_file).map(str::to_owned)) {
            (Some(_), Some(_)) => {
                self.problem(name, format!("is set together with `{from_file}`; keep one of them"))
            }
            (Some(secret), None) => Some(Some(SecretString::from(secret))),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))),
                Err(error) => self.problem(&from_file, format!("cannot read `{path}`: {error}")),
            },
            (None, None) => Some(None),
        }
    }

    /// Notes a problem that a caller found. Always `None`, so that it can end a chain.
    pub fn problem<T>(&mut self, name: &str, message: impl Into<String>) -> Option<T> {
        self.note(Problem::of(name, &message.into()));
        None
    }

    /// Once: services in one process read the same variables.
    fn note(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Adds problems that another reader found, but for those that are noted. `None` when there were any.
    pub fn include<T>(&mut self, result: Result<T, Problems>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Problems(problems)) => {
                problems.into_iter().for_each(|problem| self.note(problem));
                None
            }
        }
    }

    /// The settings, or every problem that was noted.
    ///
    /// # Errors
    ///
    /// All problems, when there is at least one.
    pub fn finish<T>(mut self, settings: impl FnOnce() -> Option<T>) -> Result<T, Problems> {
        match settings() {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => {
                if self.problems.is_empty() {
                    self.problem::<()>("settings", "a value is missing");
                }
                Err(Problems(self.problems))
            }
        }
    }

    /// The parser's own words for what is no number tell nobody what to write.
    fn whole_or<T: FromStr + Display>(&mut self, name: &str, default: T) -> Option<T> {
        let Some(text) = self.env.get(name) else { return Some(default) };
        match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_error) => {
                let message =
                    format!("`{text}` cannot be used: expected a whole number, 0 or more");
                self.problem(name, message)
            }
        }
    }

    fn parse<T>(&mut self, name: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        match text.trim().parse() {
            Ok(value) => Some(value),
            // What stands before it may be a password.
            Err(error) if text.contains('@') => {
                self.problem(name, format!("cannot be used: {error}"))
            }
            Err(error) => self.problem(name, format!("`{text}` cannot be used: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let env = Env::from([("SLOTS", "many"), ("WAIT_MS", "0"), ("NAME", "")]);
        let mut read = env.reader();

        let slots = read.number_or("SLOTS", 8, 1..=64);
        let wait = read.millis_or("WAIT_MS", 100);
        let name = read.required::<String>("NAME");
        let fine: Option<u16> = read.or("PORT", "8790");

        let problems = read.finish(|| Some((slots?, wait?, name?, fine?))).unwrap_err();
        assert_eq!(problems.names(), ["SLOTS", "WAIT_MS", "NAME"]);
    }

    #[test]
    fn what_is_no_number_and_no_address_is_told_what_to_write() {
        for (value, expected) in [
            ("-1", "expected a whole number, 0 or more"),
            ("1.5", "expected a whole number, 0 or more"),
            ("99999999999999999999999", "expected a whole number, 0 or more"),
        ] {
            let env = Env::from([("WAIT", value)]);
            let mut read = env.reader();
            assert_eq!((read.millis_or("WAIT", 1), read.number_or("WAIT", 1, 0..=9)), (None, None));
            let problems = read.finish(|| Some(())).unwrap_err().to_string();
            assert!(problems.contains(expected), "{problems}");
        }
        for (value, expected) in [
            ("8780", "write `127.0.0.1:8780`"),
            (":8780", "write `127.0.0.1:8780`"),
            ("here", "an IP address and a port, such as `127.0.0.1:1`"),
            ("localhost:8780", "an IP address and a port, such as `127.0.0.1:1`"),
        ] {
            let env = Env::from([("LISTEN", value)]);
            let mut read = env.reader();
            assert_eq!(read.address_or("LISTEN", "127.0.0.1:1"), None);
            let problems = read.finish(|| Some(())).unwrap_err().to_string();
            assert!(problems.contains(expected), "{problems}");
        }
        let listen = Env::default().reader().address_or("LISTEN", "127.0.0.1:1");
        assert_eq!(listen, Some(([127, 0, 0, 1], 1).into()));
    }

    #[test]
    fn what_two_readers_find_is_one_problem() {
        let env = Env::from([("SLOTS", "many")]);
        let slots = || {
            let mut read = env.reader();
            let slots = read.number_or("SLOTS", 8, 1..=64);
            read.finish(|| slots)
        };
        let mut read = env.reader();

        let (first, second) = (read.include(slots()), read.include(slots()));

        assert_eq!((first, second), (None, None));
        assert_eq!(read.finish(|| Some(())).unwrap_err().names(), ["SLOTS"]);
    }

    #[test]
    fn a_secret_may_come_from_a_file_but_not_from_both() {
        use secrecy::ExposeSecret;
        let path = std::env::temp_dir().join(format!("chappe-secret-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let path_text = path.to_str().unwrap();

        let from_file = Env::from([("KEY_FILE", path_text)]);
        let secret = from_file.reader().secret("KEY").unwrap().unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");

        let both = Env::from([("KEY", "a"), ("KEY_FILE", path_text)]);
        assert!(both.reader().secret("KEY").is_none());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_not_repeated() {
        let key = format!("sk-{}", "a1b2c3d4".repeat(4));
        let env = Env::from([
            ("KEY_FILE", key.as_str()),
            ("URL", "nats://me:hunter2@h"),
            ("HOST", "me:hunter2@h"),
            ("LISTEN", &key),
            ("MS", &key),
        ]);
        let mut read = env.reader();
        read.secret("KEY");
        read.or::<u16>("URL", "");
        read.or::<u16>("HOST", "");
        read.address_or("LISTEN", "127.0.0.1:1");
        read.millis_or("MS", 1);
        read.problem::<()>(&key, "is not set");

        let problems = read.finish(|| Some(())).unwrap_err();

        let told = format!("{problems} {problems:?} {env:?}");
        assert_eq!(problems.0.len(), 6, "{told}");
        assert!(told.contains("KEY_FILE") && told.contains("sk-…"), "{told}");
        for secret in [&key[3..], "hunter2"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
}
