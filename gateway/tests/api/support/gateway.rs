//! The gateway under test, with a runtime of its own.

use std::net::SocketAddr;

use gateway::Settings;
use service_runtime::Shutdown;
use telemetry::ServiceTelemetry;
use test_support::Log;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;

use super::{until, within};

/// A gateway that runs as a process does: apart from the test, and able to die.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
    health: SocketAddr,
    runtime: Option<Runtime>,
    telemetry: ServiceTelemetry,
    shutdown: Shutdown,
    ended: oneshot::Receiver<()>,
}

impl Gateway {
    pub(crate) async fn start(settings: Settings) -> Self {
        let log = Log::default();
        let logs = log.clone();
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        // As long as the thread.
        let listen = move || std::mem::forget(logs.listen(LevelFilter::INFO));
        runtime.worker_threads(1).on_thread_start(listen);
        let runtime = runtime.enable_all().build().unwrap();
        let telemetry = ServiceTelemetry::detached();
        let shutdown = Shutdown::manual();
        let (tell_built, built) = oneshot::channel();
        let (tell_ended, ended) = oneshot::channel();
        let (until, figures) = (shutdown.clone(), telemetry.clone());
        runtime.spawn(async move {
            let gateway = gateway::Gateway::build(settings, figures).await.unwrap();
            tell_built.send((gateway.address(), gateway.health_address())).unwrap();
            gateway.run_until(until).await.unwrap();
            let _nobody_waits = tell_ended.send(());
        });
        let (address, health) = within("a built gateway", built).await.unwrap();
        Self { address, log, health, runtime: Some(runtime), telemetry, shutdown, ended }
    }

    /// Asks it to stop, as SIGTERM does.
    pub(crate) fn ask_to_stop(&self) {
        self.shutdown.request();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) {
        within("the end of the gateway", &mut self.ended).await.unwrap();
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// What its health port says: status and text.
    pub(crate) async fn health(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.health);
        let asked = test_support::http_client().get(url).send();
        let answer = within("an answer of the health port", asked).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until `/readyz` answers with this status.
    pub(crate) async fn readiness_is(&self, status: u16) {
        until("a change of readiness", async || self.health("/readyz").await.0 == status).await;
    }

    /// A line of its figures begins with this.
    pub(crate) fn counts(&self, line: &str) -> bool {
        self.telemetry.prometheus_text().lines().any(|counted| counted.starts_with(line))
    }

    /// The sum over all labels of a counter.
    pub(crate) fn sum(&self, counter: &str) -> f64 {
        let figures = self.telemetry.prometheus_text();
        let lines = figures.lines().filter(|line| line.starts_with(&format!("{counter}{{")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until a job has settled so.
    pub(crate) async fn settles_one(&self, outcome: &str) {
        self.settles_in("chat", outcome).await;
    }

    /// Waits until a job of this lane has settled so.
    pub(crate) async fn settles_in(&self, lane: &str, outcome: &str) {
        let line =
            format!("app_jobs_settled_total{{app_lane=\"{lane}\",app_outcome=\"{outcome}\"}}");
        until(&format!("a job that is {outcome}"), async || self.counts(&line)).await;
    }

    /// Waits until this many jobs were accepted, all of them settled, and at least one so.
    pub(crate) async fn settles(&self, accepted: u32, outcome: &str) {
        self.settles_one(outcome).await;
        let all = f64::from(accepted);
        until(&format!("{accepted} accepted and settled jobs"), async || {
            (self.sum("app_jobs_accepted_total"), self.sum("app_jobs_settled_total")) == (all, all)
        })
        .await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}
