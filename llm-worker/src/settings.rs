//! Everything the llm-worker can be told from outside. Read once, at start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use contract::{Catalogue, QueueName};
use secrecy::SecretString;
use service_runtime::{Env, Problems, Reader, Variable};

pub(crate) const HEALTH_LISTEN: Variable = Variable {
    name: "LLM_WORKER_HEALTH_LISTEN",
    default: "127.0.0.1:8792",
    about: "Where /livez, /readyz, /startupz and /metrics are served.",
};
const MAX_CONCURRENCY: Variable = Variable {
    name: "LLM_WORKER_MAX_CONCURRENCY",
    default: "64",
    about: "Jobs that this worker runs at once, its slots; 1 to 100000. It pulls no more than it has slots for, and has at least one for each queue.",
};
const DRAIN: Variable = Variable {
    name: "LLM_WORKER_DRAIN_MS",
    default: "30000",
    about: "Longest wait at shutdown for the jobs in hand, in milliseconds; then they are handed back, or end with an error if something was said.",
};
const QUEUES: Variable = Variable {
    name: "LLM_WORKER_QUEUES",
    default: "",
    about: "Queues to pull from, comma-separated. Unset: every queue of the catalogue.",
};

/// A live job whose caller has left for good is stopped after this time; one who lost a connection
/// is back before.
const UNREAD: Duration = Duration::from_secs(30);

/// Every variable that [`Settings::from_env`] reads. The keys that upstreams name in the
/// catalogue come on top.
pub(crate) const VARIABLES: &[&[Variable]] =
    &[&[HEALTH_LISTEN, MAX_CONCURRENCY, QUEUES, DRAIN, bus::MODELS_FILE], bus::VARIABLES];

/// What a worker needs to start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the health port listens.
    pub health_listen: SocketAddr,
    /// Jobs at once.
    pub max_concurrency: usize,
    /// Longest wait at shutdown.
    pub drain: Duration,
    /// Longest time that a live stored job is worked on while nobody reads its log. No variable:
    /// callers count on it.
    pub unread: Duration,
    /// The queues to pull from.
    pub queues: Vec<QueueName>,
    /// How to reach NATS.
    pub nats: bus::Settings,
    /// The models and who serves them.
    pub catalogue: Catalogue,
    /// Upstreams' keys by the variable that the catalogue names.
    pub keys: BTreeMap<String, SecretString>,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn from_env(env: &Env) -> Result<Self, Problems> {
        let mut read = env.reader();
        let health_listen = read.address_or(HEALTH_LISTEN.name, HEALTH_LISTEN.default);
        let max_concurrency = read.number_or(MAX_CONCURRENCY.name, 64, 1..=100_000);
        let drain = read.millis_or(DRAIN.name, 30_000);
        let nats = bus::Settings::read(&mut read);
        let catalogue = bus::read_catalogue(&mut read);
        let upstreams = catalogue.as_ref().and_then(|catalogue| served(&mut read, catalogue));
        let keys = catalogue.as_ref().and_then(|catalogue| keys(&mut read, catalogue));
        let queues = catalogue.as_ref().and_then(|catalogue| queues(&mut read, catalogue));
        if let (Some(slots), Some(queues)) = (max_concurrency, &queues)
            && slots < queues.len()
        {
            let message = format!("is less than the {} queues to pull from", queues.len());
            read.problem::<()>(MAX_CONCURRENCY.name, message);
        }
        read.finish(|| {
            upstreams?;
            Some(Self {
                health_listen: health_listen?,
                max_concurrency: max_concurrency?,
                drain: drain?,
                unread: UNREAD,
                queues: queues?,
                nats: nats?,
                catalogue: catalogue?,
                keys: keys?,
            })
        })
    }
}

/// Every model has somebody who serves it.
fn served(read: &mut Reader<'_>, catalogue: &Catalogue) -> Option<()> {
    let mut all = Some(());
    for model in catalogue.without_upstream() {
        let message = format!("model `{}` has no `[[models.upstreams]]`", model.name);
        all = read.problem(bus::MODELS_FILE.name, message);
    }
    all
}

fn keys(read: &mut Reader<'_>, catalogue: &Catalogue) -> Option<BTreeMap<String, SecretString>> {
    let upstreams = catalogue.models().flat_map(|model| &model.upstreams);
    let names: std::collections::BTreeSet<&String> =
        upstreams.filter_map(|upstream| upstream.api_key_env.as_ref()).collect();
    let mut keys = Some(BTreeMap::new());
    for name in names {
        match (read.secret(name), &mut keys) {
            (Some(Some(key)), Some(keys)) => {
                keys.insert(name.clone(), key);
            }
            (Some(None), _) => {
                let message = format!(
                    "is not set, and the catalogue names it as `api_key_env`; set it, or let \
                     {name}_FILE name a file that holds the key"
                );
                keys = read.problem(name, message);
            }
            (None, _) => keys = None,
            (Some(Some(_)), None) => {}
        }
    }
    keys
}

fn queues(read: &mut Reader<'_>, catalogue: &Catalogue) -> Option<Vec<QueueName>> {
    let all = catalogue.queues();
    let Some(named) = read.optional::<String>(QUEUES.name)? else { return Some(all) };
    let mut chosen = Vec::new();
    for name in named.split(',').map(str::trim) {
        match all.iter().find(|queue| queue.as_str() == name) {
            Some(queue) => chosen.push(queue.clone()),
            None => {
                let known: Vec<&str> = all.iter().map(QueueName::as_str).collect();
                let known = known.join("`, `");
                return read.problem(
                    QUEUES.name,
                    format!("`{name}` is no queue of the catalogue; it has `{known}`"),
                );
            }
        }
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_at_once() {
        let path = std::env::temp_dir().join(format!("llm-worker-{}.toml", std::process::id()));
        let models = "[[models]]\nname = \"a\"\n[[models]]\nname = \"b\"\n\
            [[models.upstreams]]\nbase_url = \"http://h/v1\"\napi_key_env = \"B_KEY\"\n";
        std::fs::write(&path, models).unwrap();
        let env = Env::from([
            ("MODELS_FILE", path.to_str().unwrap()),
            ("LLM_WORKER_MAX_CONCURRENCY", "0"),
            ("LLM_WORKER_QUEUES", "gpu"),
            ("NATS_URL", "nonsense"),
        ]);

        let problems = Settings::from_env(&env).unwrap_err();

        std::fs::remove_file(path).unwrap();
        let expected =
            ["LLM_WORKER_MAX_CONCURRENCY", "NATS_URL", "MODELS_FILE", "B_KEY", "LLM_WORKER_QUEUES"];
        assert_eq!(problems.names(), expected);
        let key = problems.0.iter().find(|problem| problem.name == "B_KEY").unwrap();
        assert!(key.message.contains("B_KEY_FILE"), "{key:?}");
    }

    #[test]
    fn the_key_of_an_upstream_may_come_from_a_file() {
        use secrecy::ExposeSecret as _;
        let catalogue = "[[models]]\nname = \"a\"\n[[models.upstreams]]\n\
            base_url = \"http://h/v1\"\napi_key_env = \"VLLM_KEY\"\n";
        let catalogue = Catalogue::parse(catalogue).unwrap();
        let path = std::env::temp_dir().join(format!("llm-worker-key-{}", std::process::id()));
        std::fs::write(&path, "s3cret\n").unwrap();
        let env = Env::from([("VLLM_KEY_FILE", path.to_str().unwrap())]);

        let keys = keys(&mut env.reader(), &catalogue).unwrap();

        std::fs::remove_file(path).unwrap();
        assert_eq!(keys["VLLM_KEY"].expose_secret(), "s3cret");
    }
}
