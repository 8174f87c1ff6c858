//! The key of the chat page in this process: made once, and kept in the data folder.

use std::path::Path;

use bus::Bus;
use contract::keys::{Endpoint, Limits, NewKey, Scopes};
use contract::{KeyName, OwnerName, TenantName};
use secrecy::SecretString;

use super::file;
use crate::data_dir;

/// Who made it, as its record and the audit have it.
const BY: &str = "chappe, for its chat page";

/// The key that is kept if it still counts, or a new one.
pub(crate) async fn of_web(nats: &bus::Settings, data_dir: &Path) -> anyhow::Result<SecretString> {
    let keys = Bus::connect("operator.launcher", nats).await?.keys().await?;
    let path = data_dir::credentials(data_dir).join("web.key");
    let kept = file::kept_or_made(&keys, &path, wanted()?, BY).await?;
    Ok(kept.key.reveal().into())
}

/// As much as the page needs.
fn wanted() -> anyhow::Result<NewKey> {
    Ok(NewKey {
        name: "chat page of this machine".parse::<KeyName>()?,
        tenant: TenantName::local(),
        owner: OwnerName::local(),
        scopes: Scopes {
            endpoints: Some(vec![Endpoint::ChatCompletions, Endpoint::Models]),
            on_behalf_of: true,
            ..Scopes::default()
        },
        limits: Limits::default(),
        expires_at: None,
    })
}
