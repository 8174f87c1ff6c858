//! TLS between a service and the server, by an authority of the test's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::{Bus, Credentials, ServerCertificate, Settings};
use contract::permissions::Service;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::server;

/// Makes an authority and a certificate that it has signed for loopback: the authority's file, and
/// what a server needs.
fn authority(folder: &Path, name: &str) -> (PathBuf, ServerCertificate) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = ca.self_signed(&ca_key).unwrap();
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let signed = CertificateParams::new(names).unwrap().signed_by(&key, &ca, &ca_key).unwrap();
    let write = |what: &str, text: String| {
        let path = folder.join(format!("{name}-{what}.pem"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let server = ServerCertificate {
        certificate: write("server", signed.pem()),
        key: write("server-key", key.serialize_pem()),
    };
    (write("ca", ca.pem()), server)
}

#[tokio::test]
async fn a_service_speaks_tls_with_a_server_of_its_authority_and_no_other() {
    let folder = TempDir::new().unwrap();
    let credentials = Credentials::make(&folder.path().join("credentials")).unwrap();
    let (ca, certificate) = authority(folder.path(), "ours");
    let (other_ca, _other) = authority(folder.path(), "other");
    let server = server(folder.path(), credentials.server_config(Some(&certificate))).await;
    let trusting = |ca_file: Option<PathBuf>| Settings {
        nkey: credentials.key(Service::Gateway).cloned(),
        ca_file,
        connect_timeout: Duration::from_secs(3),
        ..Settings::bare(server.url())
    };

    let bus = Bus::connect("gateway", &trusting(Some(ca))).await.unwrap();
    bus.barrier().await.unwrap();

    let error = Bus::connect("gateway", &trusting(Some(other_ca.clone()))).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("certificate") && error.contains("NATS_CA_FILE"), "{error}");
    assert!(error.contains(other_ca.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn with_an_authority_nothing_is_said_to_a_server_without_tls() {
    let folder = TempDir::new().unwrap();
    let (ca, _certificate) = authority(folder.path(), "ours");
    let server = server(folder.path(), String::new()).await;
    let settings = Settings {
        ca_file: Some(ca),
        connect_timeout: Duration::from_secs(3),
        ..Settings::bare(server.url())
    };

    assert!(Bus::connect("gateway", &settings).await.is_err());
}

#[tokio::test]
async fn who_is_not_known_is_told_what_to_set() {
    let folder = TempDir::new().unwrap();
    let known = Credentials::make(&folder.path().join("known")).unwrap();
    let unknown = Credentials::make(&folder.path().join("unknown")).unwrap();
    let server = server(folder.path(), known.server_config(None)).await;
    let key = unknown.key(Service::Gateway).cloned();
    let public = key.as_ref().map(|key| key.public_key().to_owned()).unwrap();
    for (nkey, expected) in [(key, &*public), (None, "set NATS_NKEY_FILE")] {
        let settings = Settings {
            nkey,
            connect_timeout: Duration::from_secs(4),
            ..Settings::bare(server.url())
        };
        let error = Bus::connect("gateway", &settings).await.unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(&server.url()), "{error}");
        assert!(error.contains("nats-init credentials"), "{error}");
    }
}
