//! Keys, made and taken back through a gateway that asks for none: everybody is an operator there.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::load::Caller;

const KEYS: &str = "/v1/admin/keys";
/// What is asked for with a key, to see whether it opens anything.
const OPENED: &str = "/v1/models";
/// How often that is tried.
const TRY_EVERY: Duration = Duration::from_millis(1);
/// Longest wait until a gateway knows of a key, or that it was taken back.
const WITHIN: Duration = Duration::from_secs(30);
/// How often gateways look whether keys have changed. What is done right after a gateway has
/// learnt of something waits longest for its next look, so that is not always done.
const LOOKS_EVERY_MS: u64 = 250;
/// Steps from one key to the next within that time, which after a while are everywhere in it.
const STEP_MS: u64 = 97;

/// An operator.
#[derive(Debug)]
pub(crate) struct Keyring(Caller);

/// A key that was made, as far as we need it.
#[derive(Deserialize)]
pub(crate) struct Made {
    id: String,
    /// The key itself.
    pub(crate) key: String,
}

impl Keyring {
    /// Through the gateway at this address.
    pub(crate) async fn of(address: &str) -> anyhow::Result<Self> {
        Ok(Self(Caller::connect(address).await?))
    }

    /// Makes a key for everything, without limits.
    pub(crate) async fn makes(&mut self, name: &str) -> anyhow::Result<Made> {
        let body = self.0.post(KEYS, &json!({ "name": name })).await?;
        // Without what it says: that is a key.
        serde_json::from_slice(&body).ok().context("a key that was made is not told")
    }

    /// How long it takes from the wish to take a key back until all these gateways refuse it.
    pub(super) async fn revocation_ms(
        &mut self,
        gateways: &[String],
        time: u32,
    ) -> anyhow::Result<f64> {
        let Made { id, key } = self.makes(&format!("revoked-{time}")).await?;
        let mut callers = Vec::new();
        for address in gateways {
            callers.push(Caller::connect(address).await?);
        }
        all(&mut callers, &key, true).await?;
        sleep(Duration::from_millis(u64::from(time) * STEP_MS % LOOKS_EVERY_MS)).await;

        let began = Instant::now();
        self.0.delete(&format!("{KEYS}/{id}")).await?;
        all(&mut callers, &key, false).await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}

/// Waits until all let the key in, or none does.
async fn all(callers: &mut Vec<Caller>, key: &str, admitted: bool) -> anyhow::Result<()> {
    let began = Instant::now();
    for caller in callers {
        while caller.admits(OPENED, key).await? != admitted {
            let waits = began.elapsed() < WITHIN;
            anyhow::ensure!(waits, "a gateway has not heard of a change of keys");
            sleep(TRY_EVERY).await;
        }
    }
    Ok(())
}
