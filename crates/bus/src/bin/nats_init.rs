//! `nats-init`: creates every stream, consumer and bucket that the services need. Run it before
//! them, as often as you like. `nats-init credentials` makes what each service shows the server.
#![expect(clippy::print_stdout, reason = "`credentials` answers on standard output")]

use std::process::ExitCode;

use bus::CredentialsCommand;
use contract::Catalogue;
use service_runtime::{
    Env, Problems, Process, Reader, Shutdown, Variable, arguments, bad_configuration, failed,
    process,
};
use telemetry::{Identity, ServiceTelemetry};

struct NatsInit;

struct Settings {
    nats: bus::Settings,
    catalogue: Catalogue,
    replicas: usize,
    storage: bus::Storage,
}

impl Process for NatsInit {
    type Settings = Settings;

    const IDENTITY: Identity = Identity {
        name: "nats-init",
        version: env!("CARGO_PKG_VERSION"),
        crate_target: "nats_init",
    };
    const ABOUT: &'static str = "Creates the NATS streams, consumers and buckets of Chappe, then exits. Safe to repeat.\n\
         `nats-init credentials --help` tells how to make credentials for the services.";
    const VARIABLES: &'static [&'static [Variable]] = &[
        bus::VARIABLES,
        &[
            bus::MODELS_FILE,
            Variable {
                name: "NATS_REPLICAS",
                default: "1",
                about: "Copies of each stream: 1 for one server, 3 or 5 for a cluster of at least as many.",
            },
            Variable {
                name: "NATS_CHAT_STORAGE",
                default: "",
                about: "Where jobs of waiting callers are kept: `file` or `memory`. Unset: a file on one server, memory on a cluster. The storage of a stream that exists cannot be changed.",
            },
        ],
    ];
    const HEALTH_LISTEN: Option<Variable> = None;

    fn settings(env: &Env) -> Result<Settings, Problems> {
        let mut read = env.reader();
        let nats = bus::Settings::read(&mut read);
        let catalogue = bus::read_catalogue(&mut read);
        let replicas = replicas(&mut read);
        let storage = read.optional::<bus::Storage>("NATS_CHAT_STORAGE");
        read.finish(|| {
            Some(Settings {
                nats: nats?,
                catalogue: catalogue?,
                replicas: replicas?,
                storage: storage?.unwrap_or_default(),
            })
        })
    }

    async fn run(
        settings: Settings,
        _telemetry: ServiceTelemetry,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let declaring = async {
            let bus = bus::Bus::connect("nats-init", &settings.nats).await?;
            let queues = settings.catalogue.queues();
            bus::declare_in(settings.storage, &bus, &queues, settings.replicas).await
        };
        let Some(declared) = shutdown.unless_requested(Box::pin(declaring)).await else {
            anyhow::bail!("told to stop before everything was declared");
        };
        let declared = declared?;
        tracing::info!("catalogue {}: declared\n{declared}", settings.catalogue.hash());
        Ok(())
    }
}

/// An even number survives no more deaths than the odd one below it.
fn replicas(read: &mut Reader<'_>) -> Option<usize> {
    match read.or::<String>("NATS_REPLICAS", "1")?.as_str() {
        "1" => Some(1),
        "3" => Some(3),
        "5" => Some(5),
        other => {
            let message = format!("`{other}` cannot be used: expected 1, 3 or 5");
            read.problem("NATS_REPLICAS", message)
        }
    }
}

fn main() -> ExitCode {
    let mut words = arguments();
    match words.next().as_deref() {
        Some(CredentialsCommand::WORD) => credentials(words.collect()),
        _ => process::<NatsInit>(),
    }
}

fn credentials(words: Vec<String>) -> ExitCode {
    let name = "nats-init credentials";
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{}", CredentialsCommand::HELP);
        return ExitCode::SUCCESS;
    }
    match CredentialsCommand::parse(words) {
        Err(problems) => bad_configuration(name, &problems),
        Ok(command) => match command.run() {
            Ok(done) => {
                println!("{done}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(name, &error.into()),
        },
    }
}
