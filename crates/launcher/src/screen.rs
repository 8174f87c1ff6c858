//! What the user sees. The only module that prints.
#![expect(clippy::print_stdout, reason = "this is a command for people; logs go to standard error")]
#![expect(clippy::print_stderr, reason = "what is said about a result is not read as one")]

use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

use crate::model_choice::ModelChoice;

/// A result, which other programs may read.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// The same, as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// What is said about a result, and is no part of it.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// One step of the start.
pub(crate) fn step(text: &str) {
    println!("  · {text}");
}

/// Everything answers.
pub(crate) struct Ready<'a> {
    pub(crate) web: String,
    pub(crate) gateway: String,
    pub(crate) simulator: Option<SocketAddr>,
    pub(crate) nats_url: &'a str,
    pub(crate) data_dir: &'a Path,
    pub(crate) models: Vec<String>,
    pub(crate) asks_for_keys: bool,
    pub(crate) choice: &'a ModelChoice,
}

/// Says where to go, and who answers there.
pub(crate) fn ready(ready: &Ready<'_>) {
    let Ready { web, gateway, simulator, nats_url, data_dir, models, asks_for_keys, choice } =
        ready;
    let key = if *asks_for_keys {
        "`chappe keys create NAME` makes an API key"
    } else {
        "any API key will do"
    };
    println!("\nChappe is ready.\n");
    println!("  Chat      {web}");
    println!("  API       {gateway}/v1    OpenAI-compatible; {key}");
    println!("  API docs  {gateway}/docs");
    println!("  Operate   {web}/operate    who waits, and why");
    if let Some(simulator) = simulator {
        println!("  Simulator http://{simulator}/v1");
    }
    println!("  NATS      {nats_url}    data in {}", data_dir.display());
    println!("  Models    {}", shortened(models));
    match choice {
        ModelChoice::Simulator => println!("\n{SIMULATOR}"),
        ModelChoice::Servers(servers, _key) => {
            for server in servers {
                println!("\n  Answers come from the {} at {}.", server.what, server.base_url);
            }
        }
        ModelChoice::File(path) => println!("\n  Models are those of {}.", path.display()),
    }
    println!("\nCtrl-C stops.");
}

const SIMULATOR: &str = "  A SIMULATOR ANSWERS, not a model.
  To connect a real model, start one (`ollama serve`) and run this again, or name one:
      cargo run -- --model-url http://127.0.0.1:11434/v1";

/// The stop was asked for.
pub(crate) fn stopping() {
    println!("\nStopping: open answers may end. Ctrl-C again stops at once.");
}

/// Everything has ended.
pub(crate) fn stopped() {
    println!("Stopped.");
}

fn shortened(models: &[String]) -> String {
    const SHOWN: usize = 6;
    let first = models.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match models.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_models_is_cut() {
        let models: Vec<String> = (0..8).map(|number| format!("m{number}")).collect();
        assert_eq!(shortened(&models), "m0, m1, m2, m3, m4, m5 and 2 more");
        assert_eq!(shortened(&models[..2]), "m0, m1");
    }
}
