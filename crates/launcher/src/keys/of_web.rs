//! The key of the chat page in this process: made once, and kept in the data folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use bus::{Bus, Keys};
use contract::keys::{ApiKey, Endpoint, Limits, NewKey, Scopes, Standing};
use contract::{KeyName, OwnerName, TenantName};
use secrecy::SecretString;

use super::now;
use crate::data_dir;

/// Who made it, as its record and the audit have it.
const BY: &str = "chappe, for its chat page";

/// The key that is kept if it still counts, or a new one.
pub(crate) async fn of_web(nats: &bus::Settings, data_dir: &Path) -> anyhow::Result<SecretString> {
    let keys = Bus::connect("operator.launcher", nats).await?.keys().await?;
    let folder = data_dir::credentials(data_dir);
    let file = folder.join("web.key");
    let kept = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    if let Some(key) = kept
        && counts(&keys, &key).await?
    {
        return Ok(key.reveal().into());
    }
    let (key, record) = wanted()?.make(BY, now());
    fs::create_dir_all(&folder)
        .and_then(|()| write_private(&file, key.reveal()))
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    keys.add(&record).await?;
    Ok(key.reveal().into())
}

async fn counts(keys: &Keys, key: &ApiKey) -> anyhow::Result<bool> {
    let record = keys.read(key.id()).await?;
    Ok(record.is_some_and(|record| record.standing(key, now()) == Standing::Good))
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

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}
