//! Where things are kept on this machine.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use service_runtime::{Env, Problems};

/// The data folder, which is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is not there, and takes it. Before anything else, so that a second
    /// start says what it is and not which port is taken.
    pub(crate) fn take(path: PathBuf) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the data folder `{shown}`"))?;
        let file = path.join("lock");
        let lock =
            File::create(&file).with_context(|| format!("cannot write `{}`", file.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "the data folder `{shown}` is in use by another Chappe that runs; stop it, or \
                 choose another folder with --data-dir or CHAPPE_DATA_DIR, and other ports"
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock `{}`", file.display()));
            }
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Where a Chappe that runs notes the address of its nats-server, for `chappe keys`.
pub(crate) fn nats_url_file(data_dir: &Path) -> PathBuf {
    data_dir.join("nats-url")
}

/// Where it keeps what its services, and operators, show that server.
pub(crate) fn credentials(data_dir: &Path) -> PathBuf {
    data_dir.join("credentials")
}

/// The folder for streams and the generated catalogue: `CHAPPE_DATA_DIR`, or `chappe` in the
/// user's data folder as the system has it.
pub(crate) fn of(env: &Env) -> Result<PathBuf, Problems> {
    if let Some(folder) = env.get("CHAPPE_DATA_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let home = env.get("HOME").map(PathBuf::from);
    let user = if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Application Support"))
    } else if cfg!(windows) {
        env.get("LOCALAPPDATA").map(PathBuf::from)
    } else {
        let named = env.get("XDG_DATA_HOME").map(PathBuf::from);
        named.filter(|path| path.is_absolute()).or(home.map(|home| home.join(".local/share")))
    };
    user.map(|folder| folder.join("chappe")).ok_or_else(|| {
        Problems::one("CHAPPE_DATA_DIR", "is not set, and the user's data folder is not known")
    })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_named_folder_wins_then_xdg_then_home() {
        let all = Env::from([("CHAPPE_DATA_DIR", "/d"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")]);
        let xdg = Env::from([("XDG_DATA_HOME", "/x"), ("HOME", "/h")]);
        let home = Env::from([("XDG_DATA_HOME", "relative"), ("HOME", "/h")]);

        assert_eq!(of(&all).unwrap(), PathBuf::from("/d"));
        assert_eq!(of(&xdg).unwrap(), PathBuf::from("/x/chappe"));
        assert_eq!(of(&home).unwrap(), PathBuf::from("/h/.local/share/chappe"));
        assert_eq!(of(&Env::default()).unwrap_err().names(), ["CHAPPE_DATA_DIR"]);
    }
}
