//! Who must have signed the certificate of a server that we call.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::Reader;

/// The certificates of authorities, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities(Vec<u8>);

impl Authorities {
    /// Reads the file that `variable` names. `Some(None)` when it is not set.
    pub fn read(read: &mut Reader<'_>, variable: &'static str) -> Option<Option<Self>> {
        let Some(path) = read.optional::<PathBuf>(variable)? else { return Some(None) };
        let shown = path.display();
        let pem = match std::fs::read(&path) {
            Ok(pem) => pem,
            Err(error) => {
                return read.problem(variable, format!("`{shown}` cannot be read: {error}"));
            }
        };
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Some(Some(Self(pem))),
            _ => read.problem(
                variable,
                format!("`{shown}` holds no certificate: expected those of authorities as PEM"),
            ),
        }
    }

    /// One or more certificates.
    pub fn pem(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    const SETTING: &str = "CA_FILE";

    #[test]
    fn they_are_read_or_a_problem() {
        let folder = tempfile::TempDir::new().unwrap();
        let pem = "-----BEGIN CERTIFICATE-----\nc2lnbmVk\n-----END CERTIFICATE-----\n";
        let garbled = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        for (name, text, usable) in [
            ("ca", pem, true),
            ("two", &pem.repeat(2), true),
            ("x", garbled, false),
            ("y", "", false),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let env = Env::from([(SETTING, path.to_str().unwrap())]);
            let mut read = env.reader();
            let authorities = Authorities::read(&mut read, SETTING);
            assert_eq!(authorities.is_some(), usable, "{name}");
            assert!(authorities.flatten().is_none_or(|read| read.pem() == text.as_bytes()));
            assert_eq!(read.finish(|| Some(())).is_ok(), usable, "{name}");
        }
        let nowhere = Env::from([(SETTING, "/nowhere/ca.pem")]);
        assert_eq!(Authorities::read(&mut nowhere.reader(), SETTING), None);
        assert_eq!(Authorities::read(&mut Env::default().reader(), SETTING), Some(None));
    }
}
