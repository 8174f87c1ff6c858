//! `bench-loadgen`: load with checked answers. Prints one JSON object, times in microseconds.
#![expect(clippy::print_stdout, reason = "the report is what it is run for")]

use std::time::Duration;

use anyhow::Context as _;
use bench::load::{Api, Load, Target, generate};
use bench::tokens::Plan;
use clap::Parser;
use tokio::task::LocalSet;

/// Asks an OpenAI-compatible server on this machine, with a mock behind it, and checks that every
/// token arrives in order, exactly once.
#[derive(Debug, Parser)]
struct Options {
    /// Address and path: `127.0.0.1:8790/v1/chat/completions`.
    #[arg(long)]
    target: String,
    /// What the target is asked in.
    #[arg(long, value_enum, default_value_t = Api::Chat)]
    api: Api,
    /// A header, `name=value`; may be repeated.
    #[arg(long)]
    header: Vec<String>,
    /// API keys, separated by commas, one client after the other sends the next. By the variable:
    /// arguments are seen by everybody on the machine.
    #[arg(
        long = "api-keys",
        env = "BENCH_API_KEYS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    keys: Vec<String>,
    /// The model, whose name is the plan: `mock-t<ms to first token>-g<ms between>-n<tokens>`.
    #[arg(long, default_value = "mock-t0-g0-n16")]
    model: String,
    /// Streams, not whole answers.
    #[arg(long)]
    stream: bool,
    /// Requests at once.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Measured time in milliseconds.
    #[arg(long, default_value_t = 3000)]
    measured_ms: u64,
    /// What is not counted before it.
    #[arg(long, default_value_t = 500)]
    warm_up_ms: u64,
    /// The clients begin spread over this time.
    #[arg(long, default_value_t = 0)]
    ramp_ms: u64,
    /// Longest answer.
    #[arg(long, default_value_t = 60_000)]
    patience_ms: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (address, path) = options.target.split_once('/').context("a target has a path")?;
    let here = address.starts_with("127.0.0.1:");
    anyhow::ensure!(here, "only servers on 127.0.0.1 are measured");
    let headers = options.header.iter().map(|header| {
        let (name, value) = header.split_once('=').context("a header is written name=value")?;
        Ok((name.to_owned(), value.to_owned()))
    });
    let headers = headers.collect::<anyhow::Result<_>>()?;
    let load = Load {
        target: Target {
            address: address.to_owned(),
            path: format!("/{path}"),
            headers,
            keys: options.keys,
        },
        api: options.api,
        plan: Plan::of_model(&options.model).context("the model's name is no plan")?,
        model: options.model,
        streaming: options.stream,
        clients: options.clients,
        ramp: Duration::from_millis(options.ramp_ms),
        warm_up: Duration::from_millis(options.warm_up_ms),
        measured: Duration::from_millis(options.measured_ms),
        patience: Duration::from_millis(options.patience_ms),
    };
    let report = LocalSet::new().run_until(generate(load)).await;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
