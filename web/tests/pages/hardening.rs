//! What protects a reader: other sites, strange addresses, what browsers may do and keep.

use crate::support::ChatPage;

#[tokio::test]
async fn every_response_says_what_a_browser_may_do_with_it() {
    let chat = ChatPage::open();

    for path in ["/", "/nowhere", "/static/nowhere"] {
        let response = chat.get(path).await;
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types app",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn nothing_in_a_page_needs_more_than_the_policy_allows() {
    let chat = ChatPage::open();

    for page in [chat.get("/").await, chat.ask("simulator: markdown").await] {
        let page = page.text().await.unwrap();
        assert!(!page.contains(" style=") && !page.contains(" onclick"), "{page}");
        for address in page.split(" src=\"").skip(1) {
            assert!(address.starts_with("/static/"), "{address}");
        }
        assert!(!page.contains("<script>"), "{page}");
    }
}

#[tokio::test]
async fn files_are_there_and_can_be_kept() {
    let chat = ChatPage::open();
    let page = chat.get("/").await.text().await.unwrap();

    for (before, kind) in [
        ("stylesheet\" href=\"", "text/css"),
        ("src=\"", "javascript"),
        ("svg+xml\" href=\"", "svg"),
    ] {
        let path = page.split_once(before).unwrap().1.split_once('"').unwrap().0;
        let file = chat.get(path).await;
        assert_eq!(file.status(), 200, "{path}");
        assert!(file.headers()["content-type"].to_str().unwrap().contains(kind), "{path}");
        assert!(file.headers().contains_key("etag"), "{path}");
        assert_ne!(file.headers()["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn pages_are_compressed_and_streams_are_not() {
    let chat = ChatPage::open();
    let gzip = ("accept-encoding", "gzip");

    let home = chat.browser.get(format!("{}/", chat.url)).header(gzip.0, gzip.1);
    assert_eq!(home.send().await.unwrap().headers()["content-encoding"], "gzip");

    let fields = [("prompt", "Why?"), ("model", "simulator")];
    let answer = chat.form("/chat", &fields).header(gzip.0, gzip.1).send().await.unwrap();
    assert!(!answer.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn another_site_cannot_ask_in_the_name_of_a_reader() {
    let chat = ChatPage::open();

    for path in ["/chat", "/stop"] {
        let forged = chat.browser.post(format!("{}{path}", chat.url));
        let forged = forged.header("sec-fetch-site", "cross-site").body("prompt=x");
        let answer = forged.send().await.unwrap();

        assert_eq!(answer.status(), 403, "{path}");
        assert!(answer.headers().contains_key("content-security-policy"));
        assert!(answer.text().await.unwrap().contains("another site"));
    }
    assert_eq!(chat.journal.counts().started, 0);
}

#[tokio::test]
async fn another_name_for_this_machine_is_not_answered() {
    let chat = ChatPage::open();

    for path in ["/", "/nowhere", "/chat"] {
        let rebound = chat.browser.get(format!("{}{path}", chat.url));
        let rebound = rebound.header("host", "rebound.example:8780").send().await.unwrap();

        assert_eq!(rebound.status(), 403, "{path}");
        assert!(rebound.headers().contains_key("content-security-policy"));
        assert!(rebound.text().await.unwrap().contains("WEB_ALLOWED_HOSTS"));
    }
    let forged = chat.form("/chat", &[("prompt", "x")]).header("host", "rebound.example");
    assert_eq!(forged.send().await.unwrap().status(), 403);
    assert_eq!(chat.journal.counts().started, 0);
}

#[tokio::test]
async fn other_addresses_lead_somewhere() {
    let chat = ChatPage::open();

    assert_eq!(chat.get("/nowhere").await.status(), 404);
    // An address that is opened again leads to the chat.
    let home = chat.get("/chat").await;
    assert_eq!((home.status().as_u16(), home.url().path()), (200, "/"));
}

#[tokio::test]
async fn requests_are_counted() {
    let chat = ChatPage::open();
    chat.ask("Why?").await.text().await.unwrap();

    let metrics = chat.browser.get(format!("{}/metrics", chat.health_url)).send().await.unwrap();

    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("http_server_request_duration_seconds_count{")
            && metrics.contains("http_route=\"/chat\""),
        "{metrics}"
    );
    assert!(metrics.contains("http_client_request_duration_seconds_count{"), "{metrics}");
    assert!(!metrics.contains("Why"));
}
