//! What programs say before they run, and what their settings print.

use std::process::Command;

use contract::keys::{ApiKey, KeyHash};
use contract::permissions::Service;
use service_runtime::{Env, Process};
use tempfile::TempDir;
use test_support::binary;

use super::search::{Secret, found};
use super::{foreign_key, hash_of, of_key, secret_of};

const PROGRAMS: [&str; 6] =
    ["chappe", "gateway", "llm-worker", "web", "nats-init", "model-simulator"];

/// Runs a program to its end, with these variables alone.
pub(super) fn run(
    program: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (String, String) {
    let mut command = Command::new(binary(program));
    let ended = command.args(arguments).env_clear().envs(variables.iter().copied()).output();
    let ended = ended.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&ended.stdout), text(&ended.stderr))
}

#[test]
fn help_and_complaints_about_settings_hold_no_secret() {
    let (key, seed) = (ApiKey::fresh(), format!("{}{}", "SU", "AB2C3D4E".repeat(7)));
    let secret = secret_of(&key);
    let secrets = [Secret::new("the key", &secret), Secret::new("the seed", &seed)];
    let address = format!("http://me:{secret}@127.0.0.1:1/v1");
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let catalogue = folder.join("models.toml");
    let entry = "[[models]]\nname = \"m\"\n[[models.upstreams]]\nbase_url = \"http://h/v1";
    let mut told = Vec::new();
    let mut hear = |program: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let (out, err) = run(program, arguments, variables);
        assert!(!(out.is_empty() && err.is_empty()), "{program} {arguments:?} says something");
        told.push((format!("{program} {arguments:?} {variables:?}"), (out + &err).into_bytes()));
    };

    let all: Vec<(&str, &str)> = [
        "WEB_API_KEY",
        "MODEL_API_KEY",
        "NATS_NKEY_FILE",
        "NATS_URL",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "MODELS_FILE",
        "WEB_LISTEN",
        "GATEWAY_AUTH",
    ]
    .map(|name| (name, key.reveal()))
    .to_vec();
    for program in PROGRAMS {
        for flag in ["--help", "-h", "--version"] {
            hear(program, &[flag], &all);
        }
        // Nothing of it can be used.
        hear(program, &[key.reveal()], &[]);
        hear(program, &[&format!("--api-key={}", key.reveal())], &all);
    }
    for (name, value) in [
        ("NATS_URL", format!("http://me:{secret}@h")),
        ("NATS_URL", format!("me:{secret}@h:4222")),
        ("NATS_NKEY_FILE", seed.clone()),
        ("NATS_CA_FILE", key.reveal().to_owned()),
        ("GATEWAY_AUTH", key.reveal().to_owned()),
        ("GATEWAY_LISTEN", key.reveal().to_owned()),
        ("GATEWAY_BODY_LIMIT_BYTES", key.reveal().to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("grpc://me:{secret}@h")),
        ("LOG_FILTER", key.reveal().to_owned()),
        ("WEB_GATEWAY_URL", address.clone()),
        ("WEB_GATEWAY_URL", format!("http://h/v1?api_key={secret}")),
        ("WEB_API_KEY_FILE", key.reveal().to_owned()),
        ("WEB_API_KEY", format!("{}\n", key.reveal())),
        ("LLM_WORKER_QUEUES", key.reveal().to_owned()),
    ] {
        let catalogue = format!("{entry}\"\n");
        std::fs::write(folder.join("good.toml"), catalogue).unwrap();
        let good = folder.join("good.toml").display().to_string();
        for program in ["gateway", "llm-worker", "web", "chappe"] {
            // None starts: whichever does not read the variable is stopped by another.
            let bad = ("LOG_FORMAT", "none");
            hear(program, &[], &[(name, &value), ("MODELS_FILE", &good), ("HOME", "/"), bad]);
        }
    }
    for line in [
        format!("\"\napi_key = \"{secret}\"\n"),
        format!("\"\napi_key_env = \"{}\"\n", key.reveal()),
        format!("\"\napi_key_env = {secret}\n"),
        format!("?key={secret}\"\n"),
    ] {
        std::fs::write(&catalogue, format!("{entry}{line}")).unwrap();
        for program in ["gateway", "llm-worker", "nats-init", "chappe"] {
            let file = catalogue.display().to_string();
            hear(program, &[], &[("MODELS_FILE", &file), ("HOME", "/"), ("LOG_FORMAT", "none")]);
        }
    }
    for arguments in [
        &["keys", "revoke", &format!("{}x", key.reveal())][..],
        &["keys", "rotate", key.reveal(), key.reveal()],
        &["keys", "create", "x", "--endpoint", key.reveal()],
        &["keys", key.reveal()],
        &["--model-url", &address],
        &["--model-url", &format!("http://h/v1?api_key={secret}")],
        &["--nats-url", &format!("nats://me:{secret}@h:no")],
    ] {
        hear("chappe", arguments, &[("HOME", "/"), ("LOG_FORMAT", "none")]);
    }

    assert_eq!(found(&secrets, told), Vec::<String>::new());
}

#[test]
fn settings_print_without_secrets() {
    let (key, upstream) = (ApiKey::fresh(), foreign_key());
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let catalogue = folder.join("models.toml");
    let text = "[[models]]\nname = \"m\"\n[[models.upstreams]]\nbase_url = \"http://h/v1\"\n\
                api_key_env = \"UPSTREAM_KEY\"\n";
    std::fs::write(&catalogue, text).unwrap();
    let credentials = bus::Credentials::make(folder).unwrap();
    let seed_file = credentials.seed_file(Service::Gateway);
    let seed = std::fs::read_to_string(&seed_file).unwrap();
    let env = Env::from([
        ("MODELS_FILE", catalogue.to_str().unwrap()),
        ("UPSTREAM_KEY", &upstream),
        ("WEB_API_KEY", key.reveal()),
        ("NATS_NKEY_FILE", seed_file.to_str().unwrap()),
        ("NATS_URL", "nats://me:hunter2@h:4222"),
    ]);

    let printed = format!(
        "{env:?} {credentials:?} {:?} {:?} {:?} {:?}",
        <gateway::Gateway as Process>::settings(&env).unwrap(),
        <llm_worker::Worker as Process>::settings(&env).unwrap(),
        <web::Web as Process>::settings(&env).unwrap(),
        (&key, key.hash(), KeyHash::try_from(String::from(key.hash()))),
    );

    assert!(printed.contains(key.id().as_str()) && printed.contains("WEB_API_KEY"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let secrets = [
        of_key("a key", &key),
        hash_of("a key", &key),
        Secret::new("the key of an upstream", &upstream),
        Secret::new("a seed", seed.trim()),
    ];
    assert_eq!(found(&secrets, [(printed.clone(), printed.into_bytes())]), Vec::<String>::new());
}
