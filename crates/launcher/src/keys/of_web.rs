//! The key of the chat page in this process: made once, and kept in the data folder.

use std::path::Path;

use bus::Bus;
use contract::keys::{Endpoint, Limits, NewKey, Scopes};
use contract::{KeyName, OwnerName, TenantName};
use secrecy::SecretString;

use super::{file, now};
use crate::data_dir;

/// Who made it, as its record and the audit have it.
const BY: &str = "chappe, for its chat page";

/// The key that is kept if it still counts, or a new one.
pub(crate) async fn of_web(nats: &bus::Settings, data_dir: &Path) -> anyhow::Result<SecretString> {
    let keys = Bus::connect("operator.launcher", nats).await?.keys().await?;
    let path = data_dir::credentials(data_dir).join("web.key");
    let wanted = wanted()?;
    let mut kept = file::kept_or_made(&keys, &path, wanted.clone(), BY).await?;
    if kept.record.created_by == BY && kept.record.scopes != wanted.scopes {
        // Made by a version whose page asked for other things.
        let before = kept.record.id;
        kept = file::made(&keys, &path, wanted, BY).await?;
        keys.change(&before, |record| record.revoke(BY, now())).await?;
    }
    Ok(kept.key.reveal().into())
}

/// As much as the page needs.
fn wanted() -> anyhow::Result<NewKey> {
    Ok(NewKey {
        name: "chat page of this machine".parse::<KeyName>()?,
        tenant: TenantName::local(),
        owner: OwnerName::local(),
        scopes: Scopes {
            endpoints: Some(vec![Endpoint::Responses, Endpoint::Conversations, Endpoint::Models]),
            on_behalf_of: true,
            ..Scopes::default()
        },
        limits: Limits::default(),
        expires_at: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use contract::keys::{ApiKey, Standing};
    use contract::permissions::Service;
    use secrecy::ExposeSecret as _;
    use tempfile::TempDir;
    use test_support::TestNats;

    use super::*;

    #[tokio::test]
    async fn a_key_that_no_longer_counts_is_replaced_and_revoked() {
        let nats = TestNats::start().await;
        let init = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
        bus::declare(&init, &[], 1).await.unwrap();
        let (folder, operator) = (TempDir::new().unwrap(), nats.settings(Service::Operator));
        let keys = Bus::connect("operator.test", &operator).await.unwrap().keys().await.unwrap();
        let key = async || {
            let key = of_web(&operator, folder.path()).await.unwrap();
            key.expose_secret().parse::<ApiKey>().unwrap()
        };
        let first = key().await;
        assert_eq!(key().await.id(), first.id(), "it is kept as long as it counts");

        // As a rotation without grace leaves it.
        let other = ApiKey::fresh().hash();
        keys.change(first.id(), |record| record.hash = other.clone()).await.unwrap().unwrap();
        let second = key().await;

        assert_ne!(second.id(), first.id());
        let records = keys.list().await.unwrap();
        let good: Vec<_> = records.iter().filter(|one| one.is_good(now())).collect();
        assert_eq!((records.len(), good.len()), (2, 1));
        assert_eq!(good[0].standing(&second, now()), Standing::Good);
        let revoked = records.iter().find_map(|record| record.revoked.as_ref()).unwrap();
        assert_eq!(revoked.by, BY);

        // As a version left it whose page asked for less.
        let less = Scopes { endpoints: Some(vec![Endpoint::Models]), ..Scopes::default() };
        keys.change(second.id(), |record| record.scopes = less.clone()).await.unwrap().unwrap();
        let third = key().await;
        assert_ne!(third.id(), second.id());
        assert!(!keys.read(second.id()).await.unwrap().unwrap().is_good(now()));
        assert_eq!(key().await.id(), third.id());

        // What somebody else has made is theirs.
        let (theirs, record) = wanted().unwrap().make("somebody", now());
        keys.add(&record).await.unwrap();
        keys.change(theirs.id(), |record| record.hash = other.clone()).await.unwrap().unwrap();
        let file = data_dir::credentials(folder.path()).join("web.key");
        fs::write(file, theirs.reveal()).unwrap();

        assert_ne!(key().await.id(), theirs.id());
        assert!(keys.read(theirs.id()).await.unwrap().unwrap().is_good(now()));
    }
}
