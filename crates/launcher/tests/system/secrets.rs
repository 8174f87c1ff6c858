//! Secrets are in nothing that comes out: no log, trace, answer, message of NATS, file of its
//! streams, help text or complaint about a setting. Of keys only the ids are.

mod ear;
mod requests;
mod search;
mod settings;

use std::path::Path;

use bus::Bus;
use contract::keys::{ApiKey, NewKey};
use contract::permissions::Service;
use reqwest::Method;
use serde_json::{Value, json};
use service_runtime::Tasks;
use test_support::{OtlpReceiver, Stack, http_client};
use tokio::time::Duration;

use self::ear::Ear;
use self::requests::Sender;
use self::search::{Secret, found};
use self::settings::run;

/// Everything that our programs and their libraries can say.
const EVERYTHING: &str = "trace,async_nats=trace,axum=trace,h2=trace,hyper=trace,\
    hyper_util=trace,opentelemetry=trace,opentelemetry_otlp=trace,opentelemetry_sdk=trace,\
    reqwest=trace,rustls=trace,tower=trace,tower_http=trace";

const KEYS: &str = "/v1/admin/keys";
const MODELS: &str = "/v1/models";

/// A key of somebody else's making, with a form of its own.
fn foreign_key() -> String {
    secret_of(&ApiKey::fresh()).replace(|letter: char| letter.is_ascii_digit(), "x")
}

fn secret_of(key: &ApiKey) -> String {
    key.reveal().rsplit('-').next().unwrap().to_owned()
}

fn of_key(what: &str, key: &ApiKey) -> Secret {
    Secret::new(what, &secret_of(key))
}

fn hash_of(what: &str, key: &ApiKey) -> Secret {
    Secret::new(&format!("the hash of {what}"), &String::from(key.hash()))
}

fn seeds(stack: &Stack) -> Vec<Secret> {
    let seed = |service: &Service| {
        let file = stack.nats.nkey_file(*service);
        let text = std::fs::read_to_string(file).unwrap();
        Secret::new(&format!("the seed of {}", service.name()), text.trim())
    };
    Service::ALL.iter().map(seed).collect()
}

/// Enters a key that the test made, as `web`'s has to be known before there is a store.
async fn enter(stack: &Stack, key: &ApiKey, more: Value) {
    let mut wanted = json!({ "name": "test" });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let wanted: NewKey = serde_json::from_value(wanted).unwrap();
    let (_another, mut record) = wanted.make("test", 1);
    (record.id, record.hash) = (key.id().clone(), key.hash());
    let operator = stack.nats.settings(Service::Operator);
    let keys = Bus::connect("operator.test", &operator).await.unwrap().keys().await.unwrap();
    keys.add(&record).await.unwrap();
}

/// Waits until the gateway has heard of a key.
async fn is_let_in(sender: &mut Sender, key: &str) {
    let heard = async {
        loop {
            let request = sender.request(Method::GET, MODELS).bearer_auth(key);
            if sender.send("a key that is let in", request).await.0 == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.expect("a key that is known");
}

/// The bytes of every file below a folder.
fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            // What nats-server removes at this moment is no leak.
            files.push((path.display().to_string(), bytes));
        }
    }
    files
}

#[tokio::test]
async fn secrets_are_in_nothing_that_comes_out() {
    let collector = OtlpReceiver::start();
    let (of_web, upstream, of_collector) = (ApiKey::fresh(), foreign_key(), foreign_key());
    let mut builder = Stack::builder()
        .otlp(collector.endpoint())
        .log_filter(EVERYTHING)
        .upstreams("api_key_env = \"UPSTREAM_KEY\"")
        .variable("gateway", "GATEWAY_AUTH", "keys")
        .variable("llm-worker", "UPSTREAM_KEY", &upstream)
        .variable("web", "WEB_API_KEY", of_web.reveal());
    for program in ["gateway", "llm-worker", "web"] {
        let header = format!("authorization=Bearer%20{of_collector}");
        builder = builder.variable(program, "OTEL_EXPORTER_OTLP_HEADERS", &header);
    }
    let stack = builder.start().await;
    let tasks = Tasks::new();
    let ear = Ear::at(&stack.nats.url(), &tasks).await;
    let url = stack.gateway_url.clone();
    let mut sender = Sender { client: http_client(), url, answers: Vec::new() };

    // Keys of every kind: some made by the command line, some over the API.
    let seed = stack.nats.nkey_file(Service::Operator).display().to_string();
    let nats_url = stack.nats.url();
    let nats = [("NATS_URL", &*nats_url), ("NATS_NKEY_FILE", &*seed)];
    let mut said = Vec::new();
    let mut chappe = |arguments: &[&str]| {
        let (out, err) = run("chappe", arguments, &nats);
        said.push((format!("what `chappe {arguments:?}` says"), err.into_bytes()));
        out
    };
    let create =
        ["keys", "create", "ops", "--operator", "--on-behalf-of", "--requests-per-minute", "90000"];
    let operator: ApiKey = chappe(&create).trim().parse().unwrap();
    let passing: ApiKey = chappe(&["keys", "create", "passing"]).trim().parse().unwrap();
    let again: ApiKey = chappe(&["keys", "rotate", passing.id().as_str()]).trim().parse().unwrap();
    let listed = chappe(&["keys", "list"]) + &chappe(&["keys", "list", "--json"]);
    chappe(&["keys", "revoke", again.reveal()]);
    let said = [said, vec![("the list of `chappe keys`".to_owned(), listed.into_bytes())]].concat();
    is_let_in(&mut sender, operator.reveal()).await;
    enter(&stack, &of_web, json!({"scopes": {"on_behalf_of": true}})).await;
    is_let_in(&mut sender, of_web.reveal()).await;
    let (caller, _answered) = made_over_the_api(&mut sender, &operator).await;
    let expired = ApiKey::fresh();
    enter(&stack, &expired, json!({"expires_at": 2})).await;
    is_let_in(&mut sender, caller.reveal()).await;
    let unknown = ApiKey::fresh();

    let (cookie, pages) = asks_on_the_page(&stack, caller.reveal()).await;
    sender.answers.extend(pages);
    uses_everything(&mut sender, &caller).await;
    let everybody = [
        ("the caller's key", &caller),
        ("an operator's key", &operator),
        ("the page's key", &of_web),
        ("a revoked key", &again),
        ("a replaced key", &passing),
        ("an expired key", &expired),
        ("an unknown key", &unknown),
    ];
    for (what, key) in everybody {
        for spelt in spellings(key.reveal()) {
            sender.in_headers(what, &spelt).await;
        }
    }
    for spelt in spellings(caller.reveal()) {
        sender.elsewhere("the caller's key", &spelt, operator.reveal()).await;
    }

    let mut secrets = seeds(&stack);
    secrets.push(Secret::new("the key of an upstream", &upstream));
    secrets.push(Secret::new("the key of the collector", &of_collector));
    secrets.push(Secret::new("the cookie of a browser", &cookie));
    let mut hashes = Vec::new();
    for (what, key) in everybody {
        secrets.push(of_key(what, key));
        hashes.push(hash_of(what, key));
    }
    let id = caller.id().as_str();
    let known_by_id = |text: &[u8]| String::from_utf8_lossy(text).contains(id);
    collector
        .wait_for(|spans| {
            spans.iter().any(|span| span.attributes.get("app.key.id").is_some_and(|key| key == id))
        })
        .await;
    let streams = files_in(&stack.nats.folder().join("nats"));
    let heard = ear.heard();
    let log = stack.stop().await;

    for (act, key) in [("created", passing.id()), ("rotated", again.id()), ("revoked", again.id())]
    {
        let line = format!("key {key} of tenant local was {act} by command line");
        assert!(log.contains(&line), "no log has `{line}`:\n{log}");
    }

    // What is looked through is not empty: the public name of a key is found where it belongs.
    assert!(known_by_id(log.as_bytes()), "the audit names the key:\n{log}");
    assert!(known_by_id(&heard), "the record of the key was heard");
    assert!(streams.iter().any(|(_path, bytes)| known_by_id(bytes)), "its record was kept");
    assert!(log.contains("hyper"), "libraries were heard as well");
    let stored = found(&hashes[..1], [("NATS".to_owned(), heard.clone())]);
    assert_eq!(stored, ["the hash of the caller's key in NATS"]);

    let exported = collector.bodies().into_iter();
    let exported = exported.map(|body| ("an export".to_owned(), body.to_vec())).collect();
    let logged = log.lines().map(|line| (line.to_owned(), line.as_bytes().to_vec())).collect();
    let told: Vec<_> = [said, sender.answers, exported, logged].concat();
    let kept = [vec![("a message on NATS".to_owned(), heard)], streams].concat();
    assert_eq!(found(&secrets, told.iter().chain(&kept).cloned()), Vec::<String>::new());
    // A hash opens nothing, and is nobody's business all the same.
    assert_eq!(found(&hashes, told), Vec::<String>::new());
}

/// As it is, and as it is easily sent by mistake.
fn spellings(key: &str) -> [String; 6] {
    [
        key.to_owned(),
        key.to_uppercase(),
        format!("{key}x"),
        key[..key.len() - 3].to_owned(),
        key.replacen('-', "_", 2),
        key.replacen("sk-", "sk--", 1),
    ]
}

/// The caller's key, and that its answer was the only one to show it.
async fn made_over_the_api(sender: &mut Sender, operator: &ApiKey) -> (ApiKey, u16) {
    let wanted = json!({"name": "caller", "scopes": {"on_behalf_of": true}}).to_string();
    let request = sender.request(Method::POST, KEYS).bearer_auth(operator.reveal()).body(wanted);
    let (status, body) = sender.send("a new key", request).await;
    // The one answer that shows it.
    sender.answers.pop();
    let made: Value = serde_json::from_str(&body).unwrap();
    let key: ApiKey = made["key"].as_str().unwrap().parse().unwrap();
    for path in [KEYS.to_owned(), format!("{KEYS}/{}", key.id())] {
        let request = sender.request(Method::GET, &path).bearer_auth(operator.reveal());
        assert_eq!(sender.send("keys as they are shown", request).await.0, 200);
    }
    (key, status)
}

/// The value of the cookie, and what the page answers.
async fn asks_on_the_page(stack: &Stack, key: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let client = http_client();
    let url = stack.web_url.clone();
    let mut sender = Sender { client, url, answers: Vec::new() };
    let home = sender.request(Method::GET, "/").send().await.unwrap();
    let cookie = home.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    for model in ["simulator", key] {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("model", model)
            .append_pair("preset", "accurate")
            .append_pair("prompt", "Why?")
            .finish();
        let request = sender
            .request(Method::POST, &format!("/chat?api_key={key}"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &cookie);
        sender.send("a question on the page", request.body(form)).await;
    }
    let nowhere = sender.request(Method::GET, &format!("/{key}")).bearer_auth(key);
    sender.send("a page that is not there", nowhere.header("cookie", &cookie)).await;
    (cookie.split_once('=').unwrap().1.to_owned(), sender.answers)
}

/// One request of each kind that is answered.
async fn uses_everything(sender: &mut Sender, caller: &ApiKey) {
    let chat = json!([{"role": "user", "content": "hello"}]);
    for (path, body) in [
        ("/v1/chat/completions", json!({"model": "simulator", "messages": chat})),
        ("/v1/chat/completions", json!({"model": "simulator", "messages": chat, "stream": true})),
        ("/v1/embeddings", json!({"model": "simulator-embeddings", "input": "hello"})),
        ("/v1/responses", json!({"model": "simulator", "input": "hello"})),
        ("/v1/responses", json!({"model": "simulator", "input": "hello", "background": true})),
        ("/v1/conversations", json!({"metadata": {"title": "hello"}})),
    ] {
        for owner in [None, Some("ann")] {
            let mut request = sender
                .request(Method::POST, path)
                .bearer_auth(caller.reveal())
                .header("idempotency-key", format!("{path}-{owner:?}-{}", body["stream"]))
                .body(body.to_string());
            if let Some(owner) = owner {
                request = request.header("chappe-on-behalf-of", owner);
            }
            let (status, answer) = sender.send(path, request).await;
            // One key for two bodies of a path is a conflict, which is an answer as well.
            assert!(matches!(status, 200 | 409), "{path}: {status} {answer}");
        }
    }
}
