//! A key that is kept in a file: made once, and again when it no longer counts.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use bus::Keys;
use contract::keys::{ApiKey, KeyRecord, NewKey, Standing};
use service_runtime::{Readers, write_whole};

use super::now;

/// A key in a file.
pub(super) struct Kept {
    pub(super) key: ApiKey,
    pub(super) record: KeyRecord,
    /// It was not there before.
    pub(super) made: bool,
}

/// The key in the file if it still counts, or a new one, which is in the file from now on.
pub(super) async fn kept_or_made(
    keys: &Keys,
    file: &Path,
    wanted: NewKey,
    by: &str,
) -> anyhow::Result<Kept> {
    let kept: Option<ApiKey> =
        fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    let Some(key) = kept else { return made(keys, file, wanted, by).await };
    let known = keys.read(key.id()).await?;
    if let Some(record) = &known
        && record.standing(&key, now()) == Standing::Good
    {
        return Ok(Kept { key, record: record.clone(), made: false });
    }
    let kept = made(keys, file, wanted, by).await?;
    // Somebody may have another secret of the one before. It was made here, and is used no more.
    if let Some(record) = known.filter(|record| record.created_by == by && record.is_good(now())) {
        keys.change(&record.id, |record| record.revoke(by, now())).await?;
    }
    Ok(kept)
}

/// A new key, which is in the file before it counts: one that nobody has is of no use.
pub(super) async fn made(
    keys: &Keys,
    file: &Path,
    wanted: NewKey,
    by: &str,
) -> anyhow::Result<Kept> {
    let (key, record) = wanted.make(by, now());
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)
        .and_then(|()| write_whole(file, key.reveal(), Readers::Owner))
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    keys.add(&record).await?;
    Ok(Kept { key, record, made: true })
}
