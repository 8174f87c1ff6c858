//! How long a start takes, with NATS up and everything declared.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::chappe::Auth;
use super::fleet::{Fleet, Name};
use super::program::free_ports;

/// Milliseconds from the start of each process until its `/readyz` was good.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) gateway_ms: f64,
    pub(crate) worker_ms: f64,
}

/// Starts a second gateway and a second worker beside the first ones, one after the other.
pub(crate) async fn measure(fleet: &Fleet, times: u32) -> anyhow::Result<Vec<Start>> {
    let chappe = fleet.chappe(Name::Chappe).context("Chappe does not run")?;
    let mut starts = Vec::new();
    for _time in 0..times {
        let [port, gateway_health, worker_health] = free_ports()?;
        let (gateway, gateway_took) = chappe.gateway(port, gateway_health, Auth::Off).await?;
        let (worker, worker_took) = chappe.worker(worker_health).await?;
        starts.push(Start {
            gateway_ms: gateway_took.as_secs_f64() * 1e3,
            worker_ms: worker_took.as_secs_f64() * 1e3,
        });
        worker.stop().await;
        gateway.stop().await;
    }
    Ok(starts)
}
