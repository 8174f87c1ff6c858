//! TLS: who is answered, what is given up, and that a renewed certificate is shown.

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::{Client, Env, Problems};

const CERTIFICATE: &str = "TLS_CERT_FILE";
const KEY: &str = "TLS_KEY_FILE";
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A folder with a certificate and its key, as they may be renewed.
struct Pair(TempDir);

impl Pair {
    fn new() -> (Self, CertificateDer<'static>) {
        let pair = Self(TempDir::new().unwrap());
        let certificate = pair.renew();
        (pair, certificate)
    }

    /// Another certificate and key, in the same files.
    fn renew(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let cert = cert.self_signed(&key).unwrap();
        self.write("cert.pem", &cert.pem());
        self.write("key.pem", &key.serialize_pem());
        cert.der().clone()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn tls(&self) -> Tls {
        read(&self.path("cert.pem"), &self.path("key.pem")).unwrap().unwrap()
    }
}

fn read(certificate: &std::path::Path, key: &std::path::Path) -> Result<Option<Tls>, Problems> {
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let env = Env::from([(CERTIFICATE, certificate), (KEY, key)]);
    let mut read = env.reader();
    let tls = Tls::read(&mut read, CERTIFICATE, KEY);
    read.finish(|| tls)
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// A client that takes this certificate and no other.
fn trusting(certificate: &CertificateDer<'static>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

async fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
) -> io::Result<ClientStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    trusting(certificate, &[]).connect(name, stream).await
}

/// Serves until `asked` is done, and then ends.
async fn while_served(server: HttpServer, router: Router, asked: impl Future<Output = ()>) {
    let shutdown = Shutdown::manual();
    let asked = async {
        tokio::time::timeout(LIMIT, asked).await.expect("everything is answered in time");
        shutdown.request();
    };
    tokio::join!(server.serve(router, shutdown.clone()), asked);
}

/// Reads one answer, of which the connection may go on.
async fn answer(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut said = Vec::new();
    while !said.ends_with(b"hello") {
        assert_ne!(client.read_buf(&mut said).await.unwrap(), 0, "the connection was closed");
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn with_a_certificate_it_speaks_http_1_over_tls() {
    let (pair, certificate) = Pair::new();
    let server = server(HttpLimits::default()).with_tls(Some(pair.tls()));
    let address = server.address();
    assert_eq!(server.origin(), format!("https://{address}"));
    let told = get(async |Extension(client): Extension<Client>| {
        assert!(client.encrypted && client.address.is_loopback());
        "hello"
    });

    while_served(server, Router::new().route("/", told), async {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let both = trusting(&certificate, &[b"h2", b"http/1.1"]);
        let mut client = both.connect(name.clone(), stream).await.unwrap();
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        for _kept in 0..2 {
            client.write_all(GET).await.unwrap();
            assert!(answer(&mut client).await.starts_with("HTTP/1.1 200"));
        }

        let stream = TcpStream::connect(address).await.unwrap();
        let refused = trusting(&certificate, &[b"h2"]).connect(name, stream).await;
        assert!(refused.is_err(), "HTTP/2 is not spoken");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_tls_is_not_answered_and_does_no_harm() {
    let (pair, certificate) = Pair::new();
    let limits = HttpLimits { connections: 1, ..HttpLimits::default() };
    let server = server(limits).with_tls(Some(pair.tls()));
    let address = server.address();

    while_served(server, hello(), async {
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(GET).await.unwrap();
        let mut said = Vec::new();
        let _reset_or_closed = plain.read_to_end(&mut said).await;
        assert!(!String::from_utf8_lossy(&said).contains("HTTP"), "{said:?}");

        // Its place is free again.
        let mut client = connect(address, &certificate).await.unwrap();
        client.write_all(GET).await.unwrap();
        answer(&mut client).await;
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up_with_its_place() {
    let (pair, certificate) = Pair::new();
    let limits = HttpLimits {
        connections: 1,
        header_time: Duration::from_millis(100),
        ..HttpLimits::default()
    };
    let server = server(limits).with_tls(Some(pair.tls()));
    let address = server.address();

    while_served(server, hello(), async {
        let mut silent = TcpStream::connect(address).await.unwrap();
        // The beginning of a record, and no more of it.
        silent.write_all(&[22, 3, 1]).await.unwrap();
        let waiting = connect(address, &certificate);

        let mut said = Vec::new();
        let (closed, client) = tokio::join!(silent.read_to_end(&mut said), waiting);

        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
        let mut client = client.unwrap();
        client.write_all(GET).await.unwrap();
        answer(&mut client).await;
    })
    .await;
}

#[tokio::test]
async fn over_tls_too_a_client_that_reads_nothing_loses_its_connection() {
    let (pair, certificate) = Pair::new();
    let (tell, mut dropped) = mpsc::unbounded_channel();
    let limits = HttpLimits { write_time: Duration::from_millis(100), ..HttpLimits::default() };
    let server = server(limits).with_tls(Some(pair.tls()));
    let address = server.address();

    while_served(server, endless(tell), async {
        let mut client = connect(address, &certificate).await.unwrap();
        client.write_all(GET).await.unwrap();
        assert_eq!(dropped.recv().await, Some(true));
    })
    .await;
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_while_it_runs() {
    let (pair, first) = Pair::new();
    let mut server = server(HttpLimits::default()).with_tls(Some(pair.tls()));
    server.look_every = Duration::from_millis(5);
    let address = server.address();

    while_served(server, hello(), async {
        let mut before = connect(address, &first).await.unwrap();
        let second = pair.renew();

        while connect(address, &second).await.is_err() {}

        assert!(connect(address, &first).await.is_err());
        // Whoever is connected stays so.
        before.write_all(GET).await.unwrap();
        answer(&mut before).await;
    })
    .await;
}

#[tokio::test]
async fn a_renewed_certificate_that_cannot_be_used_is_told_once_and_the_one_before_stays() {
    let (pair, first) = Pair::new();
    let tls = pair.tls();
    let server = server(HttpLimits::default()).with_tls(Some(tls.clone()));
    let address = server.address();

    while_served(server, hello(), async {
        assert_eq!(tls.look(), Ok(false));
        for (file, text) in [("cert.pem", Some("")), ("key.pem", Some("x")), ("key.pem", None)] {
            match text {
                Some(text) => pair.write(file, text),
                None => std::fs::remove_file(pair.path(file)).unwrap(),
            }
            assert!(tls.look().is_err(), "{file}: {text:?}");
            assert_eq!(tls.look(), Ok(false), "{file}: {text:?}");
            connect(address, &first).await.unwrap();
        }

        let second = pair.renew();

        assert_eq!(tls.look(), Ok(true));
        connect(address, &second).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn whoever_is_connected_when_the_end_is_asked_for_is_answered_over_tls() {
    let (pair, certificate) = Pair::new();
    let server = server(HttpLimits::default()).with_tls(Some(pair.tls()));
    let address = server.address();
    let shutdown = Shutdown::manual();
    shutdown.request();
    let asked = async {
        let mut client = connect(address, &certificate).await.unwrap();
        client.write_all(GET).await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
    };
    // In the backlog before anybody is taken from it.
    let served = async {
        tokio::task::yield_now().await;
        server.serve(hello(), shutdown.clone()).await;
    };

    let both = async { tokio::join!(asked, served) };
    tokio::time::timeout(LIMIT, both).await.expect("both end");
}

#[tokio::test]
async fn whoever_asks_nothing_does_not_hold_up_the_end() {
    let (pair, certificate) = Pair::new();
    let limits = HttpLimits { header_time: LIMIT * 2, ..HttpLimits::default() };
    let server = server(limits).with_tls(Some(pair.tls()));
    let (address, shutdown) = (server.address(), Shutdown::manual());
    let asked = async {
        let _not_a_word = TcpStream::connect(address).await.unwrap();
        let mut silent = connect(address, &certificate).await.unwrap();
        shutdown.request();
        let mut said = Vec::new();
        let _closed_or_reset = silent.read_to_end(&mut said).await;
        assert_eq!(said, b"");
    };

    let both = async { tokio::join!(server.serve(hello(), shutdown.clone()), asked) };

    tokio::time::timeout(LIMIT, both).await.expect("nobody has to wait for the time of a head");
}

#[test]
fn files_that_cannot_be_used_are_problems_that_say_what_to_do() {
    let ((pair, _), (other, _)) = (Pair::new(), Pair::new());
    pair.write("empty.pem", "");
    pair.write("garbled.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    // In pieces: no file here may look as if it held a key.
    let text = ["-----BEGIN PRIVATE ", "KEY-----\nc2VjcmV0\n-----END PRIVATE ", "KEY-----\n"];
    pair.write("text.pem", &text.concat());
    pair.write("none.pem", "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n");
    let (cert, key) = (pair.path("cert.pem"), pair.path("key.pem"));
    for (certificate, key, variable, said) in [
        (pair.path("nowhere.pem"), key.clone(), CERTIFICATE, "cannot be read"),
        (pair.path("empty.pem"), key.clone(), CERTIFICATE, "holds no certificate"),
        (pair.path("garbled.pem"), key.clone(), CERTIFICATE, "is no PEM file"),
        (pair.path("none.pem"), key.clone(), CERTIFICATE, "a certificate that is none"),
        (key, pair.path("key.pem"), CERTIFICATE, "holds no certificate"),
        (cert.clone(), pair.path("nowhere.pem"), KEY, "cannot be read"),
        (cert.clone(), pair.path("cert.pem"), KEY, "holds no private key"),
        (cert.clone(), pair.path("text.pem"), KEY, "holds a key that cannot be used"),
        (cert.clone(), other.path("key.pem"), KEY, "is not the key of the certificate in"),
    ] {
        let problems = read(&certificate, &key).unwrap_err();
        let text = problems.to_string();
        assert_eq!(problems.names(), [variable], "{text}");
        assert!(text.contains(said) && text.lines().count() == 1, "{text}");
        assert!(!text.contains("c2VjcmV0") && !text.contains("secret"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn what_has_no_end_or_makes_its_reader_wait_is_no_certificate() {
    let (pair, _certificate) = Pair::new();
    let tls = pair.tls();
    std::fs::remove_file(pair.path("cert.pem")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", pair.path("cert.pem")).unwrap();
    let said = tls.look().unwrap_err().to_string();
    assert!(said.contains("it is no file"), "{said}");

    std::fs::remove_file(pair.path("cert.pem")).unwrap();
    let large = std::fs::File::create(pair.path("cert.pem")).unwrap();
    large.set_len(u64::from(u32::MAX)).unwrap();
    let said = tls.look().unwrap_err().to_string();
    assert!(said.contains("over a megabyte"), "{said}");

    pair.renew();
    assert!(tls.look().unwrap(), "good files are taken up again");
}

#[test]
fn one_file_without_the_other_is_a_problem() {
    for (set, missing) in [(CERTIFICATE, KEY), (KEY, CERTIFICATE)] {
        let env = Env::from([(set, "/nowhere")]);
        let mut read = env.reader();
        let tls = Tls::read(&mut read, CERTIFICATE, KEY);
        let problems = read.finish(|| tls).unwrap_err();
        assert_eq!(problems.names(), [missing]);
        assert!(problems.to_string().contains(&format!("`{set}`")), "{problems}");
    }
    let env = Env::default();
    assert!(matches!(Tls::read(&mut env.reader(), CERTIFICATE, KEY), Some(None)));
}

#[test]
fn a_key_is_not_shown() {
    let (pair, _certificate) = Pair::new();
    let key = std::fs::read_to_string(pair.path("key.pem")).unwrap();
    let shown = format!("{:?}", pair.tls());

    assert!(shown.contains("key.pem"), "{shown}");
    assert!(key.lines().all(|line| line.len() < 30 || !shown.contains(line)), "{shown}");
}
