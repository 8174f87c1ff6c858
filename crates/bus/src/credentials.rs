//! Credentials: a random seed for each service, and what a nats-server has to know of them.
//!
//! A folder holds `<service>.nk`, which its service alone may read, and [`SERVER_FILE`] for the
//! server, in which nothing is secret.

mod command;
mod place;
mod server;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::permissions::Service;
use service_runtime::{Readers, write_whole};

pub use self::command::CredentialsCommand;
pub use self::place::Place;
use crate::Nkey;

/// The part of a nats-server's configuration that names the users and what each may do.
pub const SERVER_FILE: &str = "nats-users.conf";

/// Why credentials could not be made. The message names the file.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A folder or file.
    #[error("`{}`: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A seed that is there already.
    #[error("{0}; remove the file and run this again, and another seed is made")]
    Seed(String),
    /// A seed that was put aside before, and that the server may still be told of.
    #[error(
        "`{}` is there from the last rotation; once its service shows the new seed, remove the file \
         and run this again", .0.display()
    )]
    Rotated(PathBuf),
}

/// Where a server finds its certificate, if it is to speak TLS with services.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    /// The certificate, with what is between it and its authority, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// The credentials in a folder.
#[derive(Debug)]
pub struct Credentials {
    place: Place,
    keys: Vec<(Service, Nkey)>,
    /// Those from before the last rotation, as long as their files are there.
    previous: Vec<(Service, Nkey)>,
    made: Vec<Service>,
}

impl Credentials {
    /// Reads the credentials in a folder, and makes those that are not there.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]: a folder that cannot be written, or a file that holds no seed.
    pub fn make(folder: &Path) -> Result<Self, CredentialsError> {
        Self::make_at(&Place::together(folder))
    }

    /// The same for another order of files.
    ///
    /// # Errors
    ///
    /// Those of [`Credentials::make`].
    pub fn make_at(place: &Place) -> Result<Self, CredentialsError> {
        place.make_folders()?;
        let mut credentials =
            Self { place: place.clone(), keys: Vec::new(), previous: Vec::new(), made: Vec::new() };
        for service in Service::ALL {
            let path = place.seed(*service);
            let key = if path.exists() {
                Nkey::read(&path).map_err(CredentialsError::Seed)?
            } else {
                credentials.made.push(*service);
                write_seed(&path)?
            };
            credentials.keys.push((*service, key));
            let path = place.previous_seed(*service);
            if path.exists() {
                let key = Nkey::read(&path).map_err(CredentialsError::Seed)?;
                credentials.previous.push((*service, key));
            }
        }
        Ok(credentials)
    }

    /// Puts the seeds of services aside, so that [`Credentials::make_at`] makes others. The server is
    /// told of both until the old ones are forgotten.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::Rotated`] when one is aside already, which a service may still show;
    /// nothing is changed then. [`CredentialsError::File`] when there is none, or it cannot be
    /// moved.
    pub fn rotate(place: &Place, services: &[Service]) -> Result<(), CredentialsError> {
        let aside = |service: &Service| place.previous_seed(*service);
        if let Some(there) = services.iter().map(aside).find(|path| path.exists()) {
            return Err(CredentialsError::Rotated(there));
        }
        for service in services {
            let path = place.seed(*service);
            fs::rename(&path, aside(service)).map_err(|error| of_file(&path, error))?;
        }
        Ok(())
    }

    /// Removes the seed from before the last rotation, if it is there: the server is told of it no
    /// more.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::File`] when it cannot be removed.
    pub fn forget(place: &Place, service: Service) -> Result<(), CredentialsError> {
        let path = place.previous_seed(service);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(of_file(&path, error)),
            _gone => Ok(()),
        }
    }

    /// The key of a service.
    pub fn key(&self, service: Service) -> Option<&Nkey> {
        self.keys.iter().find(|(one, _key)| *one == service).map(|(_service, key)| key)
    }

    /// The file with the seed of a service.
    pub fn seed_file(&self, service: Service) -> PathBuf {
        self.place.seed(service)
    }

    /// Those that were not there before.
    pub fn made(&self) -> &[Service] {
        &self.made
    }

    /// What a nats-server has to be configured with. It holds nothing secret.
    pub fn server_config(&self, tls: Option<&ServerCertificate>) -> String {
        server::config(self.keys.iter().chain(&self.previous), tls)
    }

    /// Writes [`Credentials::server_config`] into the folder, and says where.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::File`].
    pub fn write_server_config(
        &self,
        tls: Option<&ServerCertificate>,
    ) -> Result<PathBuf, CredentialsError> {
        let path = self.place.server_file();
        // A server may be taking it up right now, and may run as another user.
        let written = write_whole(&path, &self.server_config(tls), Readers::AsUsual);
        written.map_err(|error| of_file(&path, error))?;
        Ok(path)
    }
}

/// Whole or not at all: half a seed would have to be removed by hand.
fn write_seed(path: &Path) -> Result<Nkey, CredentialsError> {
    let key = Nkey::fresh().map_err(|why| of_file(path, io::Error::other(why)))?;
    let written = write_whole(path, &format!("{}\n", key.seed()), Readers::Owner);
    written.map_err(|error| of_file(path, error))?;
    Ok(key)
}

fn of_file(path: &Path, source: io::Error) -> CredentialsError {
    CredentialsError::File { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests;
