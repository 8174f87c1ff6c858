//! TLS on the whole way that callers see: browser → web → gateway.

use serde_json::json;
use test_support::{Certificates, OtlpReceiver, Stack};

/// As OTLP numbers it.
const SERVER: i32 = 2;

#[tokio::test]
async fn a_prompt_goes_over_tls_from_the_browser_to_the_gateway() {
    let (collector, certificates) = (OtlpReceiver::start(), Certificates::new());
    let file = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    let stack = Stack::builder()
        .otlp(collector.endpoint())
        .log_filter("trace,rustls=trace")
        .variable("gateway", "GATEWAY_TLS_CERT_FILE", &file(certificates.certificate()))
        .variable("gateway", "GATEWAY_TLS_KEY_FILE", &file(certificates.key()))
        .variable("web", "WEB_TLS_CERT_FILE", &file(certificates.certificate()))
        .variable("web", "WEB_TLS_KEY_FILE", &file(certificates.key()))
        .variable("web", "WEB_GATEWAY_CA_FILE", &file(certificates.authority()))
        .variable("web", "WEB_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    for url in [&stack.gateway_url, &stack.web_url] {
        assert!(url.starts_with("https://"), "{url}");
    }
    let browser = certificates.http_client_that_stays();

    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("model", "simulator")
        .append_pair("prompt", r#"simulator: {"script": "text", "text": "Over TLS all the way."}"#)
        .finish();
    let asks = browser
        .post(format!("{}/chat", stack.web_url))
        .header("origin", &stack.web_url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-forwarded-for", "198.51.100.7");
    let taken = asks.body(form).send().await.unwrap();
    let cookie = taken.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let to = format!("{}{}", stack.web_url, taken.headers()["location"].to_str().unwrap());
    let session = cookie.split(';').next().unwrap();
    let page = browser.get(to).header("cookie", session).header("x-forwarded-for", "198.51.100.7");
    let page = page.send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("<p dir=\"auto\">Over TLS all the way.</p>"), "it is answered: {page}");

    let body = json!({"model": "simulator", "stream": true,
        "messages": [{"role": "user", "content": "simulator: echo\nStreamed."}]});
    let asks = browser.post(format!("{}/v1/chat/completions", stack.gateway_url));
    let asks = asks.header("x-forwarded-for", "198.51.100.7").body(body.to_string());
    let answer = asks.send().await.unwrap().text().await.unwrap();
    assert!(answer.ends_with("data: [DONE]\n\n"), "{answer}");

    // Whoever makes keys is told of in the log, by an address that nobody can make up.
    let makes = browser.post(format!("{}/v1/admin/keys", stack.gateway_url));
    let makes = makes.header("x-forwarded-for", "198.51.100.7").body(r#"{"name":"app"}"#);
    assert_eq!(makes.send().await.unwrap().status(), 201);
    let log = stack.gateway.log();
    let audit = log.lines().find(|line| line.contains("audit: ")).unwrap_or_default();
    assert!(audit.contains(" from 127.0.0.1"), "{log}");

    for log in [stack.gateway.log(), stack.web.log()] {
        assert!(log.contains("on https://127.0.0.1:"), "it says where it is: {log}");
    }
    let logs = stack.stop().await;
    let key = std::fs::read_to_string(certificates.key()).unwrap();
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!logs.contains(line), "a part of the private key is in a log");
    }
    // Only the chat page was told whom to believe.
    for (service, expected) in [("web", "198.51.100.7"), ("gateway", "127.0.0.1")] {
        let spans = collector.spans();
        let addresses: Vec<_> = spans
            .iter()
            .filter(|span| span.service == service && span.kind == SERVER)
            .map(|span| span.attributes.get("client.address").map(String::as_str))
            .collect();
        assert!(!addresses.is_empty(), "{service} has answered");
        assert!(addresses.iter().all(|address| *address == Some(expected)), "{addresses:?}");
    }
}
