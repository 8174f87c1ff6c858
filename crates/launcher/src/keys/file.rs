//! A key that is kept in a file: made once, and again when it no longer counts.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use bus::Keys;
use contract::keys::{ApiKey, KeyRecord, NewKey, Standing};

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
    if let Some(key) = kept
        && let Some(record) = keys.read(key.id()).await?
        && record.standing(&key, now()) == Standing::Good
    {
        return Ok(Kept { key, record, made: false });
    }
    made(keys, file, wanted, by).await
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
        .and_then(|()| write_private(file, key.reveal()))
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    keys.add(&record).await?;
    Ok(Kept { key, record, made: true })
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}
