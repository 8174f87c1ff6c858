//! A service as a process: command line, settings, telemetry, runtime, exit code.
#![expect(clippy::print_stdout, reason = "--help and --version answer on standard output")]

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use telemetry::{Identity, ServiceTelemetry};

use crate::cli::{self, Asked, Variable};
use crate::{
    Env, Problems, Shutdown, TELEMETRY_VARIABLES, exit, health, install_tls_provider,
    refuse_core_dumps,
};

const THREADS: &str = "RUNTIME_THREADS";
const PROCESS_VARIABLES: &[Variable] = &[Variable {
    name: THREADS,
    default: "1",
    about: "Runtime threads of this process, 1 to 64. One thread is fastest below one full core: waking a second costs more than it brings.",
}];

/// A service that can be a process of its own.
pub trait Process {
    /// What it needs to start.
    type Settings: Send + 'static;

    /// Who it is in traces and logs.
    const IDENTITY: Identity;
    /// One sentence for `--help`.
    const ABOUT: &'static str;
    /// Every variable that `settings` reads.
    const VARIABLES: &'static [&'static [Variable]];
    /// The variable that says where the health port listens, if there is one. `--health` reads
    /// nothing else: a probe has not always the other settings.
    const HEALTH_LISTEN: Option<Variable>;

    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    fn settings(env: &Env) -> Result<Self::Settings, Problems>;

    /// Runs until shutdown is requested and the work in hand has ended.
    fn run(
        settings: Self::Settings,
        telemetry: ServiceTelemetry,
        shutdown: Shutdown,
    ) -> impl Future<Output = anyhow::Result<()>>;
}

/// The words behind the program's name, for a program that has more to ask for than a service.
pub fn arguments() -> impl Iterator<Item = String> {
    std::env::args().skip(1)
}

/// What a service's `main` does.
pub fn process<P: Process>() -> ExitCode {
    let name = P::IDENTITY.name;
    match cli::asked(arguments()) {
        Asked::Serve => serve::<P>(&Env::of_process()),
        Asked::Health => ask_health::<P>(&Env::of_process()),
        Asked::Version => {
            println!("{name} {}", P::IDENTITY.version);
            ExitCode::SUCCESS
        }
        Asked::Help => {
            let shared = [PROCESS_VARIABLES, TELEMETRY_VARIABLES];
            let variables = [P::VARIABLES, &shared].concat();
            print!("{}", cli::help(name, P::ABOUT, &variables, P::HEALTH_LISTEN.is_some()));
            ExitCode::SUCCESS
        }
        Asked::Unknown(word) => {
            let message = "is not understood; settings come from the environment";
            exit::bad_configuration(name, &Problems::one(&word, message))
        }
    }
}

fn serve<P: Process>(env: &Env) -> ExitCode {
    let name = P::IDENTITY.name;
    let mut read = env.reader();
    let threads = read.number_or(THREADS, 1, 1..=64);
    let telemetry = read.include(crate::telemetry_settings(env));
    let settings = read.include(P::settings(env));
    let (threads, telemetry, settings) =
        match read.finish(|| Some((threads?, telemetry?, settings?))) {
            Ok(all) => all,
            Err(problems) => return exit::bad_configuration(name, &problems),
        };

    refuse_core_dumps();
    install_tls_provider();
    let result = runtime(threads).map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            let telemetry = telemetry::init(&[P::IDENTITY], &telemetry)?;
            let shutdown = Shutdown::on_signal()?;
            let result = P::run(settings, telemetry.service(name), shutdown).await;
            // Last of all, so that the end of everything else is still told.
            telemetry.shutdown().await;
            result
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failed(name, &error),
    }
}

fn ask_health<P: Process>(env: &Env) -> ExitCode {
    let name = P::IDENTITY.name;
    let Some(listen) = P::HEALTH_LISTEN else {
        let problems = Problems::one("--health", "this program has no health port");
        return exit::bad_configuration(name, &problems);
    };
    let mut read = env.reader();
    let address = read.address_or(listen.name, listen.default);
    let address = match read.finish(|| address) {
        Ok(address) => address,
        Err(problems) => return exit::bad_configuration(name, &problems),
    };
    match health::ask(address, listen.name, Duration::from_secs(3)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failed(name, &error),
    }
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}
