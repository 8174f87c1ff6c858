//! What a nats-server is configured with.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use contract::permissions::Service;

use super::ServerCertificate;
use crate::Nkey;

/// How long a question may be answered. Those who ask wait for less; the server keeps what was not
/// answered so long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Users and what each may do, and TLS.
pub(super) fn config<'a>(
    keys: impl Iterator<Item = &'a (Service, Nkey)>,
    tls: Option<&ServerCertificate>,
) -> String {
    let mut text = String::from(
        "# Written by Chappe; changes are lost. Nothing in it is secret.\nauthorization {\n  users: [\n",
    );
    for (service, key) in keys {
        user(&mut text, *service, key);
    }
    text.push_str("  ]\n}\n");
    if let Some(ServerCertificate { certificate, key }) = tls {
        let (certificate, key) = (of_path(certificate), of_path(key));
        let _infallible =
            writeln!(text, "tls {{ cert_file: {certificate}, key_file: {key}, timeout: 5 }}");
    }
    text
}

fn user(text: &mut String, service: Service, key: &Nkey) {
    let may = service.permissions();
    let (name, public) = (service.name(), key.public_key());
    let (publish, subscribe) = (list(&may.publish), list(&may.subscribe));
    let _infallible = write!(
        text,
        "    # {name}\n    {{ nkey: {public}, permissions: {{\n      publish: {{ allow: [{publish}] \
         }}\n      subscribe: {{ allow: [{subscribe}] }}\n"
    );
    if may.answers {
        let seconds = ANSWERS_WITHIN.as_secs();
        let _infallible =
            writeln!(text, "      allow_responses: {{ max: 1, expires: \"{seconds}s\" }}");
    }
    text.push_str("    } }\n");
}

fn list(subjects: &[String]) -> String {
    let quoted: Vec<String> = subjects.iter().map(|subject| quoted(subject)).collect();
    format!("\n        {}\n      ", quoted.join("\n        "))
}

fn of_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// In quotes a `$` is no variable.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
