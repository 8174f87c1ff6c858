//! One child process: its output goes to the screen, to a log file and to whoever counts.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::environment;
use crate::screen;

/// How much of a command that failed is shown again at the end.
const LAST_LINES: usize = 60;

/// The log of a suite.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    path: PathBuf,
    failures: Vec<String>,
}

impl Log {
    /// An empty one.
    pub(crate) fn create(path: PathBuf) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { file, path, failures: Vec::new() })
    }

    /// What the commands that failed said last.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line to the screen and to the file.
    pub(crate) fn line(&mut self, text: &str) {
        screen::line(text);
        // A full disk shows soon enough elsewhere.
        let _best_effort = writeln!(self.file, "{text}");
    }
}

/// A command and what it is run with.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    shown: String,
}

impl Run {
    /// A program in a folder. Nothing is read from the keyboard.
    pub(crate) fn new(program: impl AsRef<Path>, folder: &Path) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        environment::forget_this_package(&mut command);
        let name = program.file_name().unwrap_or(program.as_os_str());
        Self { command, shown: name.to_string_lossy().into_owned() }
    }

    /// Adds arguments.
    #[must_use]
    pub(crate) fn arguments<T: AsRef<str>>(
        mut self,
        arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        for argument in arguments {
            self.command.arg(argument.as_ref());
            self.shown = format!("{} {}", self.shown, argument.as_ref());
        }
        self
    }

    /// Sets a variable.
    #[must_use]
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// Finds programs in this folder first.
    #[must_use]
    pub(crate) fn path_first(self, folder: &Path) -> Self {
        let path = environment::path_with(folder);
        self.variable("PATH", path)
    }

    /// Runs it, gives each line to `hear`, and says whether it succeeded.
    pub(crate) fn heard(
        mut self,
        log: &mut Log,
        mut hear: impl FnMut(&str),
    ) -> anyhow::Result<bool> {
        log.line(&format!("$ {}", self.shown));
        // One pipe for both, so that the order of lines is kept.
        let (reader, writer) = std::io::pipe()?;
        self.command.stdout(writer.try_clone()?).stderr(writer);
        let child = self.command.spawn();
        let mut child = child.with_context(|| format!("cannot run `{}`", self.shown))?;
        // The command still holds the writing end: without this the reading never ends.
        drop(self.command);
        let mut reader = BufReader::new(reader);
        let mut bytes = Vec::new();
        let mut last = VecDeque::from([format!("$ {}", self.shown)]);
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            log.line(text);
            hear(text);
            if last.len() > LAST_LINES {
                // The command itself stays.
                last.remove(1);
            }
            last.push_back(text.to_owned());
            bytes.clear();
        }
        let succeeded = child.wait()?.success();
        if !succeeded {
            log.failures.push(Vec::from(last).join("\n"));
        }
        Ok(succeeded)
    }

    /// Runs it and says whether it succeeded.
    pub(crate) fn succeeds(self, log: &mut Log) -> anyhow::Result<bool> {
        self.heard(log, |_line| {})
    }

    /// Runs it in silence; its output is shown if it fails.
    pub(crate) fn quietly(mut self) -> anyhow::Result<String> {
        let output = self.command.output();
        let output = output.with_context(|| format!("cannot run `{}`", self.shown))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`{}` failed:\n{said}{complained}", self.shown);
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_heard_and_logged_and_a_failure_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path().join("logs/one.log")).unwrap();
        let mut heard = Vec::new();

        let run = Run::new("sh", folder.path()).arguments(["-c", "echo out; echo err >&2; exit 3"]);
        let succeeded = run.heard(&mut log, |line| heard.push(line.to_owned())).unwrap();

        assert!(!succeeded);
        heard.sort();
        assert_eq!(heard, ["err", "out"]);
        let logged = fs::read_to_string(log.path()).unwrap();
        assert!(logged.contains("out\n") && logged.contains("err\n"), "{logged}");
    }

    #[test]
    fn of_a_failure_the_command_and_its_last_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path().join("one.log")).unwrap();

        for script in ["seq 100; exit 1", "echo good"] {
            Run::new("sh", folder.path()).arguments(["-c", script]).succeeds(&mut log).unwrap();
        }

        let [failure] = log.failures() else { panic!("{:?}", log.failures()) };
        let lines: Vec<_> = failure.lines().collect();
        assert_eq!(lines.len(), LAST_LINES + 1);
        assert_eq!((lines[0], lines[1], lines[60]), ("$ sh -c seq 100; exit 1", "41", "100"));
    }
}
