//! Files that are there whole or not at all, whatever becomes of the process that writes them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: there is a secret in it.
    Owner,
    /// Whoever may read new files of this process.
    AsUsual,
}

/// Writes a file, in the place of one that may be there, whose permissions do not count.
///
/// # Errors
///
/// When it cannot be written; what was there before is there still.
pub fn write_whole(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    // What a crash has left may have other permissions.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _gone => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _as_the_folder_has_it = readers;
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use tempfile::TempDir;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_secret_is_its_owners_alone_whoever_could_read_what_was_there() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.key");
        for left_behind in [path.clone(), path.with_extension("unfinished")] {
            fs::write(&left_behind, "x").unwrap();
            fs::set_permissions(&left_behind, fs::Permissions::from_mode(0o666)).unwrap();
        }

        write_whole(&path, "secret", Readers::Owner).unwrap();

        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("secret", 0o600));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn whoever_has_a_file_open_reads_the_whole_of_what_it_was() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.conf");
        write_whole(&path, "the first", Readers::AsUsual).unwrap();
        let first = fs::File::open(&path).unwrap();

        write_whole(&path, "2nd", Readers::AsUsual).unwrap();

        assert_eq!(io::read_to_string(&first).unwrap(), "the first");
        assert_eq!(fs::read_to_string(&path).unwrap(), "2nd");
        assert_ne!(first.metadata().unwrap().ino(), fs::metadata(&path).unwrap().ino());
        let other = folder.path().join("b.conf");
        fs::write(&other, "").unwrap();
        assert_eq!(mode(&path), mode(&other), "as other files have it");
    }
}
