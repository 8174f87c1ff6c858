//! The whole stack, each service a process of its own.

use std::path::{Path, PathBuf};

use contract::permissions::Service;
use tempfile::TempDir;

use crate::{Program, TestNats, free_port};

/// What to start.
#[derive(Debug, Clone)]
pub struct StackBuilder {
    otlp_endpoint: Option<String>,
    log_filter: &'static str,
    workers: usize,
    simulator: Vec<(&'static str, String)>,
    variables: Vec<(&'static str, &'static str, String)>,
    upstreams: String,
}

/// A running stack. Dropping it kills every process.
#[derive(Debug)]
pub struct Stack {
    /// `http://…` of the gateway, or `https://…`.
    pub gateway_url: String,
    /// The same of the web chat.
    pub web_url: String,
    /// `http://…` of the simulator.
    pub simulator_url: String,
    /// The gateway.
    pub gateway: Program,
    /// The workers.
    pub workers: Vec<Program>,
    /// The web chat.
    pub web: Program,
    /// The simulator.
    pub simulator: Program,
    /// NATS.
    pub nats: TestNats,
    folder: TempDir,
}

impl Stack {
    /// One of each, without telemetry, with a simulator that does not wait.
    pub fn builder() -> StackBuilder {
        StackBuilder {
            otlp_endpoint: None,
            log_filter: "info",
            workers: 1,
            simulator: vec![
                ("SIMULATOR_TTFT_MS", "1".to_owned()),
                ("SIMULATOR_TOKEN_MS", "1".to_owned()),
            ],
            variables: Vec::new(),
            upstreams: String::new(),
        }
    }

    /// Everything that any of our programs has logged.
    pub fn logs(&self) -> String {
        let mut logs = vec![self.gateway.log(), self.web.log(), self.simulator.log()];
        logs.extend(self.workers.iter().map(Program::log));
        logs.join("\n")
    }

    /// Where logs and data of this stack are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops every service in order and waits, so that all telemetry is flushed. Gives everything
    /// that was logged, up to the end.
    pub async fn stop(self) -> String {
        let web = self.web.stop().await;
        let gateway = self.gateway.stop().await;
        assert!(web.success() && gateway.success(), "web: {web}, gateway: {gateway}");
        for worker in self.workers {
            let status = worker.stop().await;
            assert!(status.success(), "llm-worker: {status}");
        }
        self.simulator.stop().await;
        self.nats.stop().await;
        logs_in(self.folder.path())
    }
}

impl StackBuilder {
    /// Sends telemetry there.
    #[must_use]
    pub fn otlp(mut self, endpoint: &str) -> Self {
        self.otlp_endpoint = Some(endpoint.to_owned());
        self
    }

    /// Logs this, in the syntax of `LOG_FILTER`.
    #[must_use]
    pub fn log_filter(mut self, filter: &'static str) -> Self {
        self.log_filter = filter;
        self
    }

    /// Starts this many workers.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets a variable of the simulator.
    #[must_use]
    pub fn simulator(mut self, name: &'static str, value: &str) -> Self {
        self.simulator.retain(|(set, _)| *set != name);
        self.simulator.push((name, value.to_owned()));
        self
    }

    /// Sets a variable of `gateway`, `llm-worker` or `web`.
    #[must_use]
    pub fn variable(mut self, program: &'static str, name: &'static str, value: &str) -> Self {
        self.variables.push((program, name, value.to_owned()));
        self
    }

    /// Says more of every upstream, as the catalogue has it.
    #[must_use]
    pub fn upstreams(mut self, line: &str) -> Self {
        self.upstreams = line.to_owned();
        self
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(self) -> Stack {
        let folder = TempDir::new().expect("a temporary folder");
        let place = folder.path();
        let simulator_port = free_port();
        let simulator_url = format!("http://127.0.0.1:{simulator_port}");
        let models = models_file(place, &simulator_url, &self.upstreams);
        let nats = TestNats::start().await;
        let of = |service| self.of(service, &nats, &models);

        let init = Program::start("nats-init", place, &of(Service::NatsInit)).ended().await;
        assert!(init.success(), "nats-init: {init}");

        let mut variables = self.telemetry();
        variables.extend(self.simulator.iter().cloned());
        variables.push(("SIMULATOR_LISTEN", format!("127.0.0.1:{simulator_port}")));
        let simulator = Program::start("model-simulator", place, &variables);

        let (port, health) = (free_port(), free_port());
        let mut variables = of(Service::Gateway);
        variables.push(("GATEWAY_LISTEN", format!("127.0.0.1:{port}")));
        variables.push(("GATEWAY_HEALTH_LISTEN", format!("127.0.0.1:{health}")));
        variables.push(("GATEWAY_BROKER_SPANS_PERCENT", "100".to_owned()));
        variables.extend(self.further("gateway"));
        let mut gateway = Program::start("gateway", place, &variables);
        let gateway_url = url(self.further("gateway"), port);

        let mut workers = Vec::new();
        for _worker in 0..self.workers {
            let mut variables = of(Service::LlmWorker);
            variables.extend(self.further("llm-worker"));
            workers.push(worker(place, variables).await);
        }

        let (port, web_health) = (free_port(), free_port());
        let mut variables = self.telemetry();
        variables.push(("WEB_LISTEN", format!("127.0.0.1:{port}")));
        variables.push(("WEB_HEALTH_LISTEN", format!("127.0.0.1:{web_health}")));
        variables.push(("WEB_GATEWAY_URL", gateway_url.clone()));
        variables.extend(self.further("web"));
        let mut web = Program::start("web", place, &variables);
        let web_url = url(self.further("web"), port);

        gateway.ready(health).await;
        web.ready(web_health).await;
        Stack {
            gateway_url,
            web_url,
            simulator_url,
            gateway,
            workers,
            web,
            simulator,
            nats,
            folder,
        }
    }

    /// What a service is told of the others.
    fn of(&self, service: Service, nats: &TestNats, models: &Path) -> Vec<(&'static str, String)> {
        let mut variables = self.telemetry();
        variables.push(("NATS_URL", nats.url()));
        variables.push(("NATS_NKEY_FILE", nats.nkey_file(service).display().to_string()));
        variables.push(("MODELS_FILE", models.display().to_string()));
        variables
    }

    fn further(&self, program: &str) -> impl Iterator<Item = (&'static str, String)> {
        let of_program = self.variables.iter().filter(move |(of, ..)| *of == program);
        of_program.map(|(_of, name, value)| (*name, value.clone()))
    }

    fn telemetry(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("LOG_FILTER", self.log_filter.to_owned())];
        if let Some(endpoint) = &self.otlp_endpoint {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()));
            variables.push(("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()));
        }
        variables
    }
}

/// Where a service is that has these settings among others.
fn url(mut settings: impl Iterator<Item = (&'static str, String)>, port: u16) -> String {
    let tls = settings.any(|(name, _)| name.ends_with("_TLS_CERT_FILE"));
    format!("http{}://127.0.0.1:{port}", if tls { "s" } else { "" })
}

/// Of every program that was started here.
fn logs_in(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("the folder of the stack");
    let paths = files.map(|file| file.expect("a file of the stack").path());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
}

async fn worker(place: &Path, mut variables: Vec<(&'static str, String)>) -> Program {
    let health = free_port();
    variables.push(("LLM_WORKER_HEALTH_LISTEN", format!("127.0.0.1:{health}")));
    let mut worker = Program::start("llm-worker", place, &variables);
    worker.ready(health).await;
    worker
}

fn models_file(place: &Path, simulator_url: &str, more: &str) -> PathBuf {
    let path = place.join("models.toml");
    let model = |name: &str, capability: &str| {
        format!(
            "[[models]]\nname = \"{name}\"\ncapabilities = [\"{capability}\"]\n\
             [[models.upstreams]]\nbase_url = \"{simulator_url}/v1\"\n{more}\n\n"
        )
    };
    let text = model("simulator", "chat") + &model("simulator-embeddings", "embeddings");
    std::fs::write(&path, text).expect("a catalogue");
    path
}
