//! TLS of a listener: which certificate it shows, and that a renewed one is taken up.

use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::{Reader, Shutdown};

/// Largest file of a certificate or a key, in bytes: far more than a chain has.
const LARGEST: u64 = 1024 * 1024;

/// What a listener needs to speak TLS 1.2 and 1.3: a certificate and its key, from two files.
/// Cheap to clone; all clones show the same certificate.
#[derive(Clone)]
pub struct Tls {
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

/// The certificate, while its files may be renewed.
#[derive(Debug)]
struct Shown {
    files: Files,
    pair: RwLock<Arc<CertifiedKey>>,
    /// Of what the files held when they were last read.
    digest: Mutex<u64>,
}

/// Where the certificate and its key are, and which settings say so.
#[derive(Debug)]
struct Files {
    certificate: (&'static str, PathBuf),
    key: (&'static str, PathBuf),
}

/// What the files hold.
#[derive(Hash)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Why files cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{variable}: {message}")]
pub(super) struct Fault {
    variable: &'static str,
    message: String,
}

impl Tls {
    /// Reads the files that two settings name: a certificate, with those of its intermediate
    /// authorities behind it, and its key, both as PEM. `Some(None)` when neither is set.
    pub fn read(
        read: &mut Reader<'_>,
        certificate: &'static str,
        key: &'static str,
    ) -> Option<Option<Self>> {
        let paths = (read.optional(certificate)?, read.optional(key)?);
        let files = match paths {
            (None, None) => return Some(None),
            (Some(of_certificate), Some(of_key)) => {
                Files { certificate: (certificate, of_certificate), key: (key, of_key) }
            }
            (of_certificate, _) => {
                let (missing, set) =
                    if of_certificate.is_some() { (key, certificate) } else { (certificate, key) };
                let message = format!("is not set, but `{set}` is: set both, or neither");
                return read.problem(missing, message);
            }
        };
        match Self::of(files) {
            Ok(tls) => Some(Some(tls)),
            Err(fault) => read.problem(fault.variable, fault.message),
        }
    }

    fn of(files: Files) -> Result<Self, Fault> {
        let contents = files.contents()?;
        let pair = files.pair(&contents)?;
        let digest = Mutex::new(digest(&Ok(contents)));
        let shown = Arc::new(Shown { pair: RwLock::new(Arc::new(pair)), digest, files });
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| Fault {
            variable: shown.files.certificate.0,
            message: format!("TLS cannot be spoken: {error}"),
        })?;
        let resolver: Arc<dyn ResolvesServerCert> = shown.clone();
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { shown, config: Arc::new(config) })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Looks every so often whether the files have changed. What cannot be used is told once, and
    /// the certificate before it stays.
    pub(super) async fn follow(self, every: Duration, until: Shutdown) {
        while until.unless_requested(tokio::time::sleep(every)).await.is_some() {
            let tls = self.clone();
            // Files may be on a slow disk, and answers are given meanwhile.
            let looked = tokio::task::spawn_blocking(move || tls.look()).await;
            match looked {
                Ok(Ok(true)) => tracing::info!("a renewed certificate is shown from now on"),
                Ok(Err(fault)) => tracing::warn!(
                    error = %fault,
                    "a renewed certificate cannot be used, the one before it stays: {fault}"
                ),
                Ok(Ok(false)) => {}
                Err(error) => tracing::error!(
                    %error,
                    "whether the certificate was renewed cannot be told, the one before it stays: \
                     {error}"
                ),
            }
        }
    }

    /// Whether there is another certificate since the last look.
    pub(super) fn look(&self) -> Result<bool, Fault> {
        let Shown { files, pair, digest: known } = &*self.shown;
        let read = files.contents();
        let now = digest(&read);
        // Plain values: a panic elsewhere cannot have left them half-written.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *known, now) == now {
            return Ok(false);
        }
        let renewed = read.and_then(|contents| files.pair(&contents))?;
        *pair.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(true)
    }
}

/// That it is another one counts, whether or not it can be used.
fn digest(read: &Result<Contents, Fault>) -> u64 {
    let mut hasher = DefaultHasher::new();
    read.hash(&mut hasher);
    hasher.finish()
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// A file of ordinary size. What has no end, or makes its reader wait, is no certificate.
fn whole(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it has over a megabyte"));
    }
    Ok(bytes)
}

impl Files {
    fn contents(&self) -> Result<Contents, Fault> {
        let read = |(variable, path): &(&'static str, PathBuf)| {
            whole(path).map_err(|error| fault(variable, path, &format!("cannot be read: {error}")))
        };
        Ok(Contents { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn pair(&self, contents: &Contents) -> Result<CertifiedKey, Fault> {
        let (variable, path) = &self.certificate;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&contents.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| fault(variable, path, &format!("is no PEM file: {error}")))?;
        if chain.is_empty() {
            let expected = "holds no certificate: expected that of this server as PEM, then those \
                            of intermediate authorities";
            return Err(fault(variable, path, expected));
        }
        let (variable, path) = &self.key;
        // What the parser says of a key is not repeated: it may have a part of it in it.
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_unreadable| {
            let expected = "holds no private key that can be read: expected one as PEM, without a \
                            password";
            fault(variable, path, expected)
        })?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let other = self.certificate.1.display();
                fault(variable, path, &format!("is not the key of the certificate in `{other}`"))
            }
            rustls::Error::InvalidCertificate(error) => {
                let (variable, path) = &self.certificate;
                fault(variable, path, &format!("holds a certificate that is none: {error:?}"))
            }
            other => fault(variable, path, &format!("holds a key that cannot be used: {other}")),
        })
    }
}

fn fault(variable: &'static str, path: &Path, message: &str) -> Fault {
    Fault { variable, message: format!("`{}` {message}", path.display()) }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.shown.files).finish_non_exhaustive()
    }
}
