//! A worker whose machine has another time than NATS.
//!
//! The program itself runs, since a clock is one for a process: `libfaketime` gives it another one.
//! `cargo xtask test` says in LIBFAKETIME where that is, and runs these tests then; elsewhere they
//! are ignored, and counted as such.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use contract::{EventKind, Lane};
use tempfile::TempDir;

use crate::support::{Reply, Stage, chat, chunk, upstream, within};

const ERROR: &str = r#"{"error":{"message":"busy","type":"server_error","param":null,"code":"b"}}"#;
const LIMIT: Duration = Duration::from_secs(30);

/// A worker as a process, and what it says.
struct Program {
    child: Child,
    lines: Receiver<String>,
    _models: TempDir,
}

impl Program {
    /// With its clock shifted by so many seconds, which never stand still.
    fn start(stage: &Stage, shifted: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
        let named = std::env::var_os("LIBFAKETIME").expect("LIBFAKETIME names libfaketime");
        let library = PathBuf::from(named);
        // What cannot be preloaded is left out by the loader, and the program runs all the same.
        assert!(library.is_file(), "LIBFAKETIME names {}, which is no file", library.display());
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("models.toml");
        let catalogue =
            format!("[[models]]\nname = \"public\"\n{}", upstream(&stage.model.url(), ""));
        std::fs::write(&models, catalogue).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_llm-worker"))
            .env("LD_PRELOAD", library)
            .env("FAKETIME", shifted)
            // What lasts is measured as ever.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NATS_URL", stage.nats.url())
            .env("MODELS_FILE", &models)
            .env("LLM_WORKER_HEALTH_LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody listens any more when the test is over.
                let _heard = said.send(line);
            }
        });
        Self { child, lines, _models: folder }
    }

    /// The next line that says this.
    fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).expect("a line within half a minute");
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

async fn it_works_as_ever_and_says_so(shifted: &str, told: &str) {
    let mut stage = Stage::set().await;
    let worker = Program::start(&stage, shifted);
    worker.says("takes jobs");

    // By its own clock the caller has waited for an hour: too long for another try.
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::whole(503, ERROR));
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);
    let all = within("an answer", stage.gateway.all_of(job)).await;
    let kinds: Vec<EventKind> = all.iter().map(|said| said.kind).collect();
    assert_eq!(kinds, [EventKind::Chunk, EventKind::Done]);

    // And for longer than anybody reads a live answer.
    let live = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::stream_of(&[&chunk("b"), "[DONE]"]).await);
    assert_eq!(live.ended().await.outcome, contract::log::Outcome::Completed);

    let line = worker.says("clock");
    assert!(line.contains(told) && line.contains("time server"), "{line}");
}

#[tokio::test]
#[ignore = "only where LIBFAKETIME names libfaketime"]
async fn one_whose_clock_is_ahead_answers_and_tries_again_as_ever_and_says_so() {
    it_works_as_ever_and_says_so("+3600s", "s ahead of that of NATS").await;
}

#[tokio::test]
#[ignore = "only where LIBFAKETIME names libfaketime"]
async fn one_whose_clock_is_behind_answers_and_tries_again_as_ever_and_says_so() {
    it_works_as_ever_and_says_so("-3600s", "s behind that of NATS").await;
}
