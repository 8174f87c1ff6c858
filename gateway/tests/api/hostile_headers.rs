//! Headers about who calls, byte for byte as a hostile client sends them.

use contract::keys::ApiKey;
use gateway::Auth;
use serde_json::json;

use crate::support::{Keyring, Stage};

/// What comes for a request with these lines: everything until the connection is closed.
async fn said_to(stage: &Stage, lines: &[u8]) -> String {
    let mut connection = stage.caller.connects().await;
    connection.writes("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n").await;
    connection.tries_to_write(&[lines, b"\r\n"].concat()).await;
    connection.hears().await
}

fn status(said: &str) -> Option<u16> {
    said.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

fn authorization(value: impl AsRef<[u8]>) -> Vec<u8> {
    [b"authorization: ", value.as_ref(), b"\r\n"].concat()
}

async fn with_a_key(more: serde_json::Value) -> (Stage, ApiKey) {
    let stage = Stage::with(|settings| settings.auth = Auth::Keys).await;
    let key = Keyring::of(&stage).await.hands_out(&stage, more).await;
    (stage, key)
}

#[tokio::test]
async fn a_malformed_authorization_lets_nobody_in_and_is_not_repeated() {
    let (stage, key) = with_a_key(json!({})).await;
    let key = key.reveal();
    let right = format!("authorization: Bearer {key}\r\n");
    assert_eq!(status(&said_to(&stage, right.as_bytes()).await), Some(200));

    for (what, lines) in [
        ("empty", authorization("")),
        ("spaces", authorization("   ")),
        ("a scheme alone", authorization("Bearer")),
        ("a tab", authorization(format!("Bearer\t{key}"))),
        ("another scheme", authorization(format!("Digest {key}"))),
        ("a longer scheme", authorization(format!("Bearerx {key}"))),
        ("no scheme", authorization(key)),
        ("a NUL in it", authorization(format!("Bearer {key}\0"))),
        ("a NUL before it", authorization(format!("\0Bearer {key}"))),
        ("a DEL", authorization(format!("Bearer {key}\x7f"))),
        ("no ASCII", authorization(format!("Bearer {key}é"))),
        ("no UTF-8", authorization([b"Bearer ", key.as_bytes(), b"\xff"].concat())),
        ("a carriage return", authorization(format!("Bearer {key}\rx: y"))),
        ("over two lines", authorization(format!("Bearer\r\n {key}"))),
        ("100 KB", authorization(format!("Bearer {}", "k".repeat(100_000)))),
        ("twice", [right.as_bytes(), right.as_bytes()].concat()),
        ("a good one last", [&authorization("Basic eA==")[..], right.as_bytes()].concat()),
        ("a good one first", [right.as_bytes(), &authorization("")[..]].concat()),
        ("a list", authorization(format!("Bearer {key}, Bearer {key}"))),
        ("in quotes", authorization(format!("Bearer \"{key}\""))),
        ("percent-encoded", authorization(format!("Bearer {}", key.replace('-', "%2d")))),
        ("capitals", authorization(format!("Bearer {}", key.to_uppercase()))),
        ("a space in the name", format!("authorization : Bearer {key}\r\n").into_bytes()),
        ("another name", format!("x-authorization: Bearer {key}\r\n").into_bytes()),
        ("for a proxy", format!("proxy-authorization: Bearer {key}\r\n").into_bytes()),
    ] {
        let said = said_to(&stage, &lines).await;

        // What is no HTTP, or too long, ends before anybody looks for a key.
        let reset = said.is_empty() && lines.len() > 64 * 1024;
        assert!(reset || matches!(status(&said), Some(400 | 401 | 431)), "{what}: {said}");
        assert!(!said.contains(&key[30..40]), "{what}: {said}");
        if status(&said) == Some(401) {
            assert!(said.contains("www-authenticate: Bearer\r\n"), "{what}: {said}");
            assert!(said.contains("_api_key\""), "{what}: {said}");
        }
    }
}

#[tokio::test]
async fn a_header_of_whom_it_is_for_is_one_plain_name_or_refused() {
    let (stage, key) = with_a_key(json!({"scopes": {"on_behalf_of": true}})).await;
    let right = format!("authorization: Bearer {}\r\n", key.reveal());
    let on_behalf =
        |value: &[u8]| [right.as_bytes(), b"chappe-on-behalf-of: ", value, b"\r\n"].concat();
    for taken in ["ann", "a b", "*.>", "%0d%0aset-cookie:%20planted=1", "../x", "$KV.KEYS.>"] {
        let said = said_to(&stage, &on_behalf(taken.as_bytes())).await;
        assert_eq!(status(&said), Some(200), "{taken}: {said}");
        assert!(!said.contains("planted"), "{said}");
    }

    let long = "x".repeat(129);
    for (what, lines) in [
        ("empty", on_behalf(b"")),
        ("spaces", on_behalf(b"   ")),
        ("long", on_behalf(long.as_bytes())),
        ("no ASCII", on_behalf("Zoë".as_bytes())),
        ("no UTF-8", on_behalf(b"\xff\xfe")),
        ("a tab", on_behalf(b"a\tb")),
        ("a NUL", on_behalf(b"a\0b")),
        ("a line feed", on_behalf(b"ann\nset-cookie: planted=1")),
        ("a carriage return", on_behalf(b"ann\rset-cookie: planted=1")),
        ("a key", on_behalf(key.reveal().as_bytes())),
        ("twice", on_behalf(b"ann\r\nchappe-on-behalf-of: bob")),
        ("the same twice", on_behalf(b"ann\r\nchappe-on-behalf-of: ann")),
    ] {
        let said = said_to(&stage, &lines).await;

        // A line feed alone ends a line for some readers. Here what it adds is the caller's own
        // header, and reaches nobody.
        let expected: &[u16] = if what == "a line feed" { &[200, 400] } else { &[400] };
        assert!(status(&said).is_some_and(|got| expected.contains(&got)), "{what}: {said}");
        assert!(!said.contains("planted"), "{what}: {said}");
        assert!(!said.contains(&key.reveal()[30..]), "{what}: {said}");
    }
}
