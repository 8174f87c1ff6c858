//! Where the files of credentials are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::permissions::Service;

use super::{CredentialsError, SERVER_FILE, of_file};

/// The folder of the server's file, where each has one of its own.
const SERVER: &str = "server";

/// A folder, and how files lie in it.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
    apart: bool,
}

impl Place {
    /// All files in one folder.
    pub fn together(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), apart: false }
    }

    /// Each service's seed in a folder that is named like it, and the server's file in `server`: so
    /// that each can be handed the folder that is its own.
    pub fn apart(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), apart: true }
    }

    /// Makes the folders.
    pub(super) fn make_folders(&self) -> Result<(), CredentialsError> {
        let of_services = Service::ALL.iter().map(|service| self.folder_of(service.name()));
        let mut folders: Vec<PathBuf> = of_services.chain([self.folder_of(SERVER)]).collect();
        folders.dedup();
        for folder in folders {
            private_folder(&folder).map_err(|error| of_file(&folder, error))?;
        }
        Ok(())
    }

    /// The file with the seed of a service.
    pub(super) fn seed(&self, service: Service) -> PathBuf {
        self.folder_of(service.name()).join(format!("{}.nk", service.name()))
    }

    /// The file with its seed before the last rotation.
    pub(super) fn previous_seed(&self, service: Service) -> PathBuf {
        self.folder_of(service.name()).join(format!("{}.previous.nk", service.name()))
    }

    /// The file for the server.
    pub(super) fn server_file(&self) -> PathBuf {
        self.folder_of(SERVER).join(SERVER_FILE)
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        if self.apart { self.folder.join(name) } else { self.folder.clone() }
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
