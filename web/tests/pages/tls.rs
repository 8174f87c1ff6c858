//! TLS on both sides: to the browser, and to the gateway.

use std::path::Path;

use axum::Router;
use axum::routing::get;
use service_runtime::{Env, HttpLimits, HttpServer, Shutdown, Tasks, Tls};
use test_support::Certificates;

use crate::support::{ChatPage, encoded};

#[tokio::test]
async fn over_tls_a_page_is_asked_and_its_cookie_is_for_tls_alone() {
    let signed = Certificates::new();
    let (cert, key) = (text(&signed.certificate()), text(&signed.key()));
    let chat = ChatPage::open_with(&[("WEB_TLS_CERT_FILE", &cert), ("WEB_TLS_KEY_FILE", &key)]);
    assert!(chat.url.starts_with("https://"), "{}", chat.url);
    let browser = signed.http_client();

    let home = browser.get(&chat.url).send().await.unwrap();
    let cookie = home.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-chappe_session="), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert!(home.headers().get("strict-transport-security").is_none(), "it is on loopback");

    // As browsers do that do not send `sec-fetch-site`.
    let fields = [("model", "simulator"), ("prompt", "Over TLS?")];
    let session = cookie.split(';').next().unwrap();
    let asks = browser.post(format!("{}/chat", chat.url)).header("origin", &chat.url);
    let asks = asks.header("cookie", session);
    let asks = asks.header("content-type", "application/x-www-form-urlencoded");
    let page = asks.body(encoded(&fields)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("You said: Over TLS?"));

    let plain = chat.url.replace("https://", "http://");
    assert!(browser.get(plain).send().await.is_err());
}

#[tokio::test]
async fn a_browser_is_told_to_come_back_over_tls_under_the_name_of_the_page() {
    const HEADER: &str = "strict-transport-security";
    let settings = [("WEB_TRUSTED_PROXIES", "127.0.0.1"), ("WEB_ALLOWED_HOSTS", "chat.example")];
    let home = async |chat: &ChatPage, protocol| {
        let request = chat.browser.get(&chat.url).header("host", "chat.example");
        request.header("x-forwarded-proto", protocol).send().await.unwrap()
    };

    let chat = ChatPage::open_with(&settings);
    assert_eq!(home(&chat, "https").await.headers()[HEADER], "max-age=31536000");
    assert!(home(&chat, "http").await.headers().get(HEADER).is_none());

    let [proxies, hosts] = settings;
    let chat = ChatPage::open_with(&[proxies, hosts, ("WEB_HSTS_SECONDS", "off")]);
    assert!(home(&chat, "https").await.headers().get(HEADER).is_none());
}

#[tokio::test]
async fn a_gateway_is_spoken_with_if_the_named_authority_has_signed_its_certificate() {
    let (signed, other) = (Certificates::new(), Certificates::new());
    let (cert, key) = (text(&signed.certificate()), text(&signed.key()));
    let env = Env::from([("CERT", cert.as_str()), ("KEY", key.as_str())]);
    let tls = Tls::read(&mut env.reader(), "CERT", "KEY").unwrap();
    let limits = HttpLimits::default();
    let server = HttpServer::bind(([127, 0, 0, 1], 0).into(), "LISTEN", limits).unwrap();
    let server = server.with_tls(tls);
    let gateway = server.origin();
    let listed = r#"{"object":"list","data":[{"id":"model-behind-tls","object":"model"}]}"#;
    let router = Router::new().route("/v1/models", get(async move || listed));
    let (shutdown, tasks) = (Shutdown::manual(), Tasks::new());
    tasks.spawn(server.serve(router, shutdown.clone()));

    for (authority, expected) in [(&signed, true), (&other, false)] {
        let ca = text(&authority.authority());
        let settings = [("WEB_GATEWAY_URL", gateway.as_str()), ("WEB_GATEWAY_CA_FILE", &ca)];
        let page = ChatPage::open_with(&settings).look("/").await.text().await.unwrap();
        assert_eq!(page.contains("model-behind-tls"), expected, "{page}");
    }
    shutdown.request();
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
