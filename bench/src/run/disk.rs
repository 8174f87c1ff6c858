//! What stored work takes on the disk.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// The stream of logs, and the one behind the bucket of sealed logs.
const STREAMS: [&str; 2] = ["LOGS", "KV_RESPONSES"];

/// Bytes of the files of streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    /// Of the stream of logs.
    pub(crate) logs: u64,
    /// Of the bucket of sealed logs.
    pub(crate) sealed: u64,
}

impl Disk {
    /// What is there now, in the data of a nats-server with one account.
    ///
    /// # Errors
    ///
    /// When it has no such streams.
    pub(crate) fn of(data: &Path) -> anyhow::Result<Self> {
        // The first is our folder, the second one the server's own.
        let streams = data.join("jetstream/jetstream/$G/streams");
        let [logs, sealed] = STREAMS.map(|name| {
            let folder = streams.join(name);
            let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
            anyhow::Ok(bytes_of(entries))
        });
        Ok(Self { logs: logs?, sealed: sealed? })
    }

    /// What has been added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            logs: self.logs.saturating_sub(earlier.logs),
            sealed: self.sealed.saturating_sub(earlier.sealed),
        }
    }
}

/// The server makes and removes files while we look: what is gone counts nothing.
fn bytes_of(folder: fs::ReadDir) -> u64 {
    let bytes = folder.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => fs::read_dir(entry.path()).map_or(0, bytes_of),
        Ok(metadata) => metadata.len(),
        Err(_gone) => 0,
    });
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_at_any_depth_are_counted_by_stream() {
        let data = tempfile::tempdir().unwrap();
        assert!(Disk::of(data.path()).is_err(), "there are no streams yet");
        let streams = data.path().join("jetstream/jetstream/$G/streams");
        for (path, size) in [
            ("LOGS/meta.inf", 3),
            ("LOGS/msgs/1.blk", 40),
            ("KV_RESPONSES/msgs/1.blk", 500),
            ("JOBS_LIVE/msgs/1.blk", 6000),
        ] {
            let path = streams.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x".repeat(size)).unwrap();
        }

        let disk = Disk::of(data.path()).unwrap();

        assert_eq!(disk, Disk { logs: 43, sealed: 500 });
        assert_eq!(disk.since(Disk { logs: 40, sealed: 600 }), Disk { logs: 3, sealed: 0 });
    }
}
