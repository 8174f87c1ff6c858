//! `nats-init credentials`: makes credentials in a folder.

use std::path::PathBuf;

use contract::permissions::Service;
use service_runtime::{Problem, Problems};

use super::{Credentials, CredentialsError, Place, ServerCertificate};

/// What is asked for on the command line, behind the word `credentials`.
#[derive(Debug, Default)]
pub struct CredentialsCommand {
    folder: PathBuf,
    apart: bool,
    rotate: Vec<Service>,
    forget: Vec<Service>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl CredentialsCommand {
    /// The word that asks for it.
    pub const WORD: &str = "credentials";
    /// What it is.
    pub const HELP: &str = "\
Makes an NKey for each service and what a nats-server has to know of them.

Usage: nats-init credentials --dir FOLDER [--apart] [--rotate SERVICE]... [--forget SERVICE]...
           [--tls-cert FILE --tls-key FILE]

  --dir FOLDER       where <service>.nk and nats-users.conf are; what is there is kept
  --apart            each in a folder of its own in there, to be handed over alone:
                     <service>/<service>.nk and server/nats-users.conf
  --rotate SERVICE   makes another seed for gateway, llm-worker, nats-init or operator; the server
                     takes the old one too, which is in <service>.previous.nk; refused while there
                     is one from the last time
  --forget SERVICE   removes that old one: from then on the server takes the new one alone
  --tls-cert FILE    certificate of the server, in PEM, as the server finds it
  --tls-key FILE     its key

Name the seed of a service in its NATS_NKEY_FILE, and have the server include nats-users.conf:
one that runs takes it up with `nats-server --signal reload`.
";

    /// Reads the arguments behind the word.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Problems> {
        let mut arguments = arguments.into_iter();
        let (mut asked, mut problems) = (Self::default(), Vec::new());
        let mut has_folder = false;
        let mut note =
            |name: &str, message: String| problems.push(Problem { name: name.to_owned(), message });
        while let Some(flag) = arguments.next() {
            if flag == "--apart" {
                asked.apart = true;
                continue;
            }
            let known = ["--dir", "--rotate", "--forget", "--tls-cert", "--tls-key"];
            if !known.contains(&flag.as_str()) {
                note(&flag, "is not understood".to_owned());
                continue;
            }
            has_folder |= flag == "--dir";
            let Some(value) = arguments.next().filter(|value| !value.is_empty()) else {
                note(&flag, "needs a value".to_owned());
                continue;
            };
            match flag.as_str() {
                "--dir" => asked.folder = PathBuf::from(value),
                "--tls-cert" => asked.certificate = Some(PathBuf::from(value)),
                "--tls-key" => asked.key = Some(PathBuf::from(value)),
                of_service => match Service::ALL.iter().find(|service| service.name() == value) {
                    Some(service) if of_service == "--forget" => asked.forget.push(*service),
                    Some(service) if asked.rotate.contains(service) => {}
                    Some(service) => asked.rotate.push(*service),
                    None => note(&flag, format!("there is no service `{value}`")),
                },
            }
        }
        if !has_folder {
            note("--dir", "is required: the folder for the credentials".to_owned());
        }
        match (&asked.certificate, &asked.key) {
            (Some(_), None) => note("--tls-key", "is required with --tls-cert".to_owned()),
            (None, Some(_)) => note("--tls-cert", "is required with --tls-key".to_owned()),
            _both_or_none => {}
        }
        if problems.is_empty() { Ok(asked) } else { Err(Problems(problems)) }
    }

    /// Does it, and says what was done.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`].
    pub fn run(self) -> Result<String, CredentialsError> {
        let Self { folder, apart, rotate, forget, certificate, key } = self;
        let place = if apart { Place::apart(&folder) } else { Place::together(&folder) };
        Credentials::rotate(&place, &rotate)?;
        for service in forget {
            Credentials::forget(&place, service)?;
        }
        let credentials = Credentials::make_at(&place)?;
        let tls = certificate.zip(key);
        let tls = tls.map(|(certificate, key)| ServerCertificate { certificate, key });
        let server = credentials.write_server_config(tls.as_ref())?;
        let mut done: Vec<String> = Service::ALL
            .iter()
            .map(|service| {
                let made = credentials.made().contains(service);
                let what = if made { "made" } else { "kept" };
                format!("{what} {}", credentials.seed_file(*service).display())
            })
            .collect();
        done.push(format!("wrote {}, for the server to include", server.display()));
        Ok(done.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(arguments: &[&str]) -> Vec<String> {
        let parsed = CredentialsCommand::parse(arguments.iter().map(|one| (*one).to_owned()));
        parsed.err().into_iter().flat_map(|all| all.0).map(|one| one.name).collect()
    }

    #[test]
    fn all_problems_of_the_arguments_are_told_at_once() {
        assert_eq!(problems(&[]), ["--dir"]);
        assert_eq!(problems(&["--dir", "x"]), [] as [&str; 0]);
        assert_eq!(problems(&["--dir"]), ["--dir"]);
        assert_eq!(problems(&["--rotate", "me", "--colour"]), ["--rotate", "--colour", "--dir"]);
        assert_eq!(problems(&["--dir", "x", "--tls-cert", "c"]), ["--tls-key"]);
        assert_eq!(problems(&["--dir", "x", "--rotate", "operator"]), [] as [&str; 0]);
    }

    #[test]
    fn the_help_names_every_service() {
        for service in Service::ALL {
            assert!(CredentialsCommand::HELP.contains(service.name()));
        }
    }
}
