//! The binary behind `cargo run`: finds or fetches a nats-server, finds a model, and runs the
//! gateway, the worker and the web chat in one process until Ctrl-C.
//!
//! # Where to look
//!
//! * [`flags`]: what can be said on the command line. [`settings`]: all problems at once.
//! * [`model_choice`]: which model answers, and why. [`discovery`]: what runs on this machine.
//! * [`system`]: starts everything in order and stops it in the reverse order.
//! * [`keys`]: `chappe keys`, which runs nothing.
//! * [`screen`]: the only module that prints.
//!
//! The launcher is the only crate that knows all services. It tells them what to do the same way
//! as compose and Kubernetes do: by the environment variables that each of them documents.

mod data_dir;
mod discovery;
mod flags;
mod help;
mod keys;
mod model_choice;
mod model_url;
mod nats;
mod screen;
mod settings;
mod system;

use std::process::ExitCode;

use service_runtime::{Env, Problems, bad_configuration, failed};

use crate::flags::{Command, Flags};
use crate::settings::Asked;

/// The exit code after a second Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// What `main` does.
pub fn main() -> ExitCode {
    let mut flags = match Flags::of_command_line() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    let env = flags.over(Env::of_process());
    if let Some(Command::Keys(command)) = flags.command.take() {
        return keys::main(command, &env);
    }
    let Asked { telemetry, data_dir, wish } = match settings::read(&flags, &env) {
        Ok(asked) => asked,
        Err(problems) => return bad_configuration(flags::NAME, &problems),
    };
    service_runtime::refuse_core_dumps();
    service_runtime::install_tls_provider();
    // Two threads: the services share this process, and one of them may block for a moment.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let telemetry = telemetry::init(system::IDENTITIES, &telemetry)?;
            let ended = system::run(data_dir, wish, env, &telemetry).await;
            telemetry.shutdown().await;
            ended
        })
    });
    match ended {
        Ok(system::Ended::Drained) => ExitCode::SUCCESS,
        Ok(system::Ended::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => match error.downcast::<Problems>() {
            Ok(problems) => bad_configuration(flags::NAME, &problems),
            Err(error) => failed(flags::NAME, &error),
        },
    }
}
