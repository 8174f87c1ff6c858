//! Addresses that somebody else wrote down.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outbound::{
    Addresses, CallError, Client, Names, Phase, Plaintext, Response, SystemNames, Untrusted,
};

use crate::support::{LIMIT, Upstream, post};

/// Stands for an address on the internet: it is not, and is called because it is allowed.
const AWAY: &str = "127.0.0.1";
/// A host near us. Linux answers at it, as at all of 127.0.0.0/8.
const NEAR: &str = "127.0.0.2";

/// Tells each who asks the next of its answers, and the last one for ever.
#[derive(Debug)]
struct Told {
    answers: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Told {
    fn of(answers: &[&[&str]]) -> Arc<Self> {
        let read = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        let answers = answers.iter().map(read).collect();
        Arc::new(Self { answers, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Names for Told {
    fn addresses(&self, name: &str) -> Addresses {
        let mut asked = self.asked.lock().unwrap();
        let answer = self.answers[asked.len().min(self.answers.len() - 1)].clone();
        asked.push(name.to_owned());
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn untrusted(names: Arc<dyn Names>) -> Untrusted {
    Untrusted {
        plaintext: Plaintext::Allowed,
        allowed: vec![AWAY.parse().unwrap()],
        connect_timeout: LIMIT,
        total_timeout: LIMIT,
        names,
    }
}

async fn call(untrusted: Untrusted, url: &str) -> Result<Response, CallError> {
    Client::to_untrusted(untrusted).unwrap().post(post(url, "{}")).await
}

fn is_forbidden(called: Result<Response, CallError>) -> bool {
    matches!(called, Err(CallError::Forbidden(_)))
}

#[tokio::test]
async fn a_name_is_called_at_the_address_that_was_checked_and_asked_for_once() {
    let upstream = Upstream::start();
    let names = Told::of(&[&[AWAY], &[NEAR]]);

    let response = call(untrusted(names.clone()), &upstream.url_of("hook.example", "/echo")).await;

    let body = response.unwrap().whole(1024, LIMIT).await.unwrap();
    assert_eq!(body.as_ref(), b"Bearer k|application/json|{}");
    assert_eq!(names.asked(), ["hook.example"], "no second look at a name that may have changed");
}

// Other systems have one address for loopback only.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_leads_to_us_at_its_second_call_is_not_connected_to() {
    let near = std::net::TcpListener::bind((NEAR, 0)).unwrap();
    near.set_nonblocking(true).unwrap();
    let url = format!("http://hook.example:{}/", near.local_addr().unwrap().port());
    let names = Told::of(&[&[AWAY], &[NEAR]]);
    let client = Client::to_untrusted(untrusted(names.clone())).unwrap();

    // Nobody listens at the first address.
    let first = client.post(post(&url, "{}")).await;
    let second = client.post(post(&url, "{}")).await;

    assert!(matches!(first, Err(CallError::Connect(_))), "{first:?}");
    assert!(is_forbidden(second));
    assert_eq!(names.asked().len(), 2);
    let nobody = near.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "no connection was made");
}

#[tokio::test]
async fn one_address_near_us_among_others_forbids_all_of_them() {
    let upstream = Upstream::start();
    let url = upstream.url_of("hook.example", "/echo");
    for answer in [
        &[AWAY, NEAR][..],
        &[NEAR, AWAY],
        &[AWAY, "10.0.0.1"],
        &[AWAY, "::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
    ] {
        let called = call(untrusted(Told::of(&[answer])), &url).await;
        assert!(is_forbidden(called), "{answer:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_written_out_is_checked_in_every_form() {
    let upstream = Upstream::start();
    let mut strict = untrusted(Told::of(&[&[AWAY]]));
    strict.allowed.clear();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "[fe80::1]",
    ] {
        let called = call(strict.clone(), &upstream.url_of(host, "/echo")).await;
        assert!(is_forbidden(called), "{host}");
    }
}

#[tokio::test]
async fn a_name_of_this_host_is_known_for_what_it_is() {
    let upstream = Upstream::start();
    let mut strict = untrusted(Arc::new(SystemNames));
    strict.allowed.clear();

    let called = call(strict, &upstream.url_of("localhost", "/echo")).await;

    assert!(is_forbidden(called));
}

#[tokio::test]
async fn what_is_no_secure_address_is_refused() {
    let mut strict = untrusted(Told::of(&[&[AWAY]]));
    strict.plaintext = Plaintext::Refused;
    for url in [
        "http://hook.example/",
        "ftp://hook.example/",
        "file:///etc/passwd",
        "unix:/run/socket",
        "https://user@hook.example/",
        "https://user:word@hook.example/",
        "https://",
        "hook.example",
        "",
    ] {
        assert!(is_forbidden(call(strict.clone(), url).await), "{url}");
    }
}

#[tokio::test]
async fn a_redirect_to_us_is_an_answer_and_not_followed() {
    let upstream = Upstream::start();
    let names = Told::of(&[&[AWAY], &[NEAR]]);

    let url = upstream.url_of("hook.example", "/elsewhere");
    let response = call(untrusted(names.clone()), &url).await.unwrap();

    assert_eq!(response.status(), 307);
    assert_eq!(names.asked().len(), 1);
}

#[tokio::test]
async fn an_answer_that_drips_ends_with_the_time_of_the_call() {
    let upstream = Upstream::start();
    let limit = Duration::from_millis(300);
    let short = Untrusted { total_timeout: limit, ..untrusted(Told::of(&[&[AWAY]])) };
    let client = Client::to_untrusted(short).unwrap();
    let drips = client.post(post(&upstream.url_of("hook.example", "/drips"), "{}")).await.unwrap();
    let never = client.post(post(&upstream.url_of("hook.example", "/never"), "{}")).await;

    let dripped = drips.whole(1000, LIMIT).await;

    assert_eq!(dripped, Err(CallError::Timeout { phase: Phase::Body, limit }));
    assert_eq!(never.unwrap_err(), CallError::Timeout { phase: Phase::Head, limit });
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    let upstream = Upstream::start();
    let url = upstream.url_of("hook.example", "/large");

    let response = call(untrusted(Told::of(&[&[AWAY]])), &url).await.unwrap();

    assert_eq!(response.whole(1000, LIMIT).await, Err(CallError::TooLarge { limit: 1000 }));
}
