//! Where a nats-server may be, on this machine.

use std::path::PathBuf;

/// The folders to look in. Made from variables that the caller looks up: this crate reads no
/// environment.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The program that `NATS_SERVER_BIN` names: it and no other is used.
    pub named: Option<PathBuf>,
    /// The folders of PATH.
    pub path: Vec<PathBuf>,
    /// The user's cache folder; none when it is not known.
    pub cache: Option<PathBuf>,
}

impl Places {
    /// From `NATS_SERVER_BIN`, `PATH`, and what names the user's cache folder on this system.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let folder = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = if cfg!(target_os = "macos") {
            folder("HOME").map(|home| home.join("Library/Caches"))
        } else if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else {
            let named = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
            named.or_else(|| folder("HOME").map(|home| home.join(".cache")))
        };
        Self {
            named: folder("NATS_SERVER_BIN"),
            path: lookup("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            cache: cache.map(|cache| cache.join("chappe")),
        }
    }
}
