//! Where things are kept on this machine.

use std::path::PathBuf;

use service_runtime::{Env, Problems};

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
