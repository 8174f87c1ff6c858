//! An authority of a test's own, and a certificate that it has signed.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

/// Files as PEM, in a folder that goes with this: a certificate of loopback and `chat.example`, and
/// who has signed it.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// New ones, which nobody else trusts.
    #[expect(clippy::new_without_default, reason = "it writes files")]
    pub fn new() -> Self {
        let pair = || KeyPair::generate().expect("a key");
        let (ca_key, key) = (pair(), pair());
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = ca.self_signed(&ca_key).expect("an authority");
        let names = ["127.0.0.1".to_owned(), "chat.example".to_owned()];
        let params = CertificateParams::new(names).expect("names of a certificate");
        let signed = params.signed_by(&key, &ca, &ca_key).expect("a certificate");
        let files = Self(TempDir::new().expect("a temporary folder"));
        for (path, text) in [
            (files.authority(), ca.pem()),
            (files.certificate(), signed.pem()),
            (files.key(), key.serialize_pem()),
        ] {
            std::fs::write(path, text).expect("a file");
        }
        files
    }

    /// Who has signed it.
    pub fn authority(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// What a server shows.
    pub fn certificate(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    /// And its key.
    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    /// A client that takes what this authority has signed, and nothing else.
    pub fn http_client(&self) -> reqwest::Client {
        self.taking().build().expect("an HTTP client")
    }

    /// One that does not go where it is sent: that is for the test to see.
    pub fn http_client_that_stays(&self) -> reqwest::Client {
        let builder = self.taking().redirect(reqwest::redirect::Policy::none());
        builder.build().expect("an HTTP client")
    }

    fn taking(&self) -> reqwest::ClientBuilder {
        service_runtime::install_tls_provider();
        let pem = std::fs::read(self.authority()).expect("the authority");
        let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        reqwest::Client::builder().no_proxy().tls_certs_only([authority])
    }
}
