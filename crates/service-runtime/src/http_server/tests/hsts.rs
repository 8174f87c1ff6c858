//! When a browser is told to come back over TLS only.

use super::*;

/// The head of what a listener behind a proxy on loopback answers.
async fn head(request: &str) -> String {
    head_with(Hsts::default(), request).await
}

async fn head_with(hsts: Hsts, request: &str) -> String {
    let proxies = crate::Env::from([("PROXIES", "127.0.0.1")]);
    let mut read = proxies.reader();
    let proxies = TrustedProxies::read(&mut read, "PROXIES").unwrap();
    let server = server(HttpLimits::default()).behind(proxies).with_hsts(hsts);
    answered_at_the_end(server, request).await
}

#[tokio::test]
async fn what_came_over_tls_is_asked_to_stay_there() {
    let told = "strict-transport-security: max-age=";

    assert!(head("host: x.example\r\nx-forwarded-proto: https").await.contains(told));
    for request in [
        "host: x.example",
        "host: x.example\r\nx-forwarded-proto: http",
        // Other programs share these names, and speak no TLS.
        "host: localhost:8780\r\nx-forwarded-proto: https",
        "host: 127.0.0.1\r\nx-forwarded-proto: https",
    ] {
        assert!(!head(request).await.contains(told), "{request}");
    }
}

#[tokio::test]
async fn for_how_long_is_a_setting_and_whether_at_all() {
    let request = "host: x.example\r\nx-forwarded-proto: https";
    let with = async |hsts: &str| head_with(hsts.parse().unwrap(), request).await;

    assert!(with("60").await.contains("strict-transport-security: max-age=60\r\n"));
    assert!(with("0").await.contains("strict-transport-security: max-age=0\r\n"));
    assert!(!with("off").await.contains("strict-transport-security"));
}
