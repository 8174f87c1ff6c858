//! The key of a service: a seed that says who it is, and that nobody else may know.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use nkeys::{KeyPair, KeyPairType};
use secrecy::{ExposeSecret as _, SecretString};

/// More than any file with a seed holds.
const MOST_BYTES: u64 = 64 * 1024;

/// A seed, and the public key that belongs to it. Prints as the public key.
#[derive(Clone)]
pub struct Nkey {
    seed: SecretString,
    public: String,
    /// The file that it was read from, if everybody on the machine may read that.
    exposed: Option<PathBuf>,
}

impl fmt::Debug for Nkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nkey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Nkey {
    /// Reads the file of a user's seed, as `nats-init credentials` or `nk -gen user` writes it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file. Nothing that stands in it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = text_of(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file `{shown}`"),
            _ => format!("`{shown}` cannot be read: {error}"),
        })?;
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let mut read = Self::of_seed(first).map_err(|why| format!("`{shown}` {why}"))?;
        read.exposed = is_open_to_all(path).then(|| path.to_path_buf());
        Ok(read)
    }

    /// A random one.
    ///
    /// # Errors
    ///
    /// When it could not be written down.
    pub(crate) fn fresh() -> Result<Self, String> {
        let seed = KeyPair::new_user().seed().map_err(|_error| "cannot be made".to_owned())?;
        Self::of_seed(&seed)
    }

    fn of_seed(text: &str) -> Result<Self, String> {
        // The library's own words may hold what stands in the file.
        let Ok(pair) = KeyPair::from_seed(text) else {
            return Err(if text.starts_with("-----BEGIN NATS") {
                "is a credentials file with a JWT; expected the seed of a user alone"
            } else if KeyPair::from_public_key(text).is_ok() {
                "holds a public key; expected the seed that belongs to it, which begins with `SU`"
            } else {
                "holds no seed; expected one line that begins with `SU`"
            }
            .to_owned());
        };
        match pair.key_pair_type() {
            KeyPairType::User => Ok(Self {
                seed: SecretString::from(text),
                public: pair.public_key(),
                exposed: None,
            }),
            other => {
                let kind = format!("{other:?}").to_lowercase();
                Err(format!("holds the seed of a kind `{kind}`; expected that of a user, `SU…`"))
            }
        }
    }

    /// What the server knows it by.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The secret.
    pub(crate) fn seed(&self) -> &str {
        self.seed.expose_secret()
    }

    /// The file that it was read from, if everybody on the machine may read that.
    pub(crate) fn exposed(&self) -> Option<&Path> {
        self.exposed.as_deref()
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn file(text: &str) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("it.nk");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_seed_is_read_with_or_without_its_public_key_below() {
        let pair = KeyPair::new_user();
        let seed = pair.seed().unwrap();
        for text in
            [seed.clone(), format!("\n{seed}\n"), format!("{seed}\n{}\n", pair.public_key())]
        {
            let (_folder, path) = file(&text);
            let read = Nkey::read(&path).unwrap();
            assert_eq!((read.seed(), read.public_key()), (&*seed, &*pair.public_key()));
        }
    }

    #[test]
    fn what_is_no_seed_of_a_user_is_told_and_not_repeated() {
        let account = KeyPair::new_account().seed().unwrap();
        let user = KeyPair::new_user();
        let broken = user.seed().unwrap().replace("SU", "SUX");
        let creds = format!("-----BEGIN NATS USER JWT-----\neyJ0\n{broken}");
        for (text, expected) in [
            ("", "holds no seed"),
            ("hunter2", "holds no seed"),
            (&broken, "holds no seed"),
            (&account, "the seed of a kind `account`"),
            (&user.public_key(), "holds a public key"),
            (&creds, "with a JWT"),
        ] {
            let (_folder, path) = file(text);
            let error = Nkey::read(&path).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            for secret in ["hunter2", &broken, &account] {
                assert!(!error.contains(secret), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = TempDir::new().unwrap();
        let missing = Nkey::read(&folder.path().join("none")).unwrap_err();
        assert!(missing.starts_with("there is no file"), "{missing}");
        let no_file = Nkey::read(folder.path()).unwrap_err();
        assert!(no_file.contains("cannot be read"), "{no_file}");
        let (_folder, path) = file("");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(Nkey::read(&path).unwrap_err().contains("cannot be read"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_read_is_noticed() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = file(&KeyPair::new_user().seed().unwrap());
        for (mode, noticed) in [(0o600, false), (0o640, false), (0o644, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Nkey::read(&path).unwrap().exposed().is_some(), noticed, "{mode:o}");
        }
    }

    #[test]
    fn it_prints_without_its_seed() {
        let key = Nkey::fresh().unwrap();
        let printed = format!("{key:?} {key:#?}");
        assert!(printed.contains(key.public_key()) && !printed.contains(key.seed()), "{printed}");
    }
}
