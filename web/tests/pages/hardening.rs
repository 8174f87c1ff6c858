//! What protects a reader: other sites, strange addresses, what browsers may do and keep.

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::gateway::{Gateway, Piece, Script};
use crate::screen::{Screen, last_answer};
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

    let turn = chat.ask("# A\n\n```rust\nfn a() {}\n```\n\n|a|\n|-|\n|b|\n\n<script>").await;
    let edit = format!("{}&edit={}", turn.path(), turn.response);
    let (rename, delete) = (turn.below("rename"), turn.below("delete"));
    for path in ["/", "/chats", "/settings", "/chats/delete", &turn.path(), &edit, &rename, &delete]
    {
        let page = chat.page(path).await;
        assert!(!page.contains(" style=") && !page.contains(" onclick"), "{page}");
        for address in page.split(" src=\"").skip(1) {
            assert!(address.starts_with("/static/"), "{address}");
        }
        assert!(!page.contains("<script>"), "{page}");
    }
}

#[tokio::test]
async fn whatever_a_model_says_is_no_markup_of_ours() {
    let deep = |mark: &str| format!("{}x", mark.repeat(2000));
    for said in [
        "<script>alert(1)</script>".to_owned(),
        "<img src=x onerror=alert(1)>".to_owned(),
        "![x](https://evil.example/x.png) [y](javascript:alert(1)) <javascript:alert(1)>"
            .to_owned(),
        "[y](data:text/html,<script>alert(1)</script>)".to_owned(),
        "```html\n<script>alert(1)</script>\n</code></pre></article><script>".to_owned(),
        "</div></article></li></ol><form action=/chats/delete method=post><button>".to_owned(),
        deep("> "),
        deep("- "),
        deep("**["),
        format!("{}\n{}\n", "|a".repeat(1000), "|-".repeat(1000)).repeat(3),
        "\u{202e}\u{2066}backwards\u{200b}".to_owned(),
    ] {
        let gateway = Gateway::start();
        let pieces = vec![Piece::Thought(said.clone()), Piece::Text(said.clone()), Piece::Complete];
        gateway.answers_by(Script::Says(pieces));
        let chat = ChatPage::before(&gateway);
        let turn = chat.ask(&said).await;

        let page = chat.page(&turn.path()).await;
        let mut screen = Screen::default();
        screen.reads(&mut chat.follow(&turn, "").await).await;

        assert_eq!(screen.over(), last_answer(&page), "{said}");
        assert!(page.ends_with("</html>\n"), "{said}");
        for markup in ["<script>", "<img", "href=\"javascript:", "href=\"data:", "<form action=/"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
        let ours =
            [("<article", 2), (" id=\"transcript\"", 1), (" id=\"composer\"", 1), ("<main", 1)];
        for (element, times) in ours {
            assert_eq!(page.matches(element).count(), times, "{element}: {page}");
        }
    }
}

#[tokio::test]
async fn files_are_there_and_can_be_kept() {
    let chat = ChatPage::open();
    let page = chat.page("/").await;

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

    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Why?").await;
    for path in [turn.path(), turn.live()] {
        let answer = chat.request("GET", &path).header(gzip.0, gzip.1).send().await.unwrap();
        assert!(!answer.headers().contains_key("content-encoding"), "{path}");
    }
}

#[tokio::test]
async fn another_name_for_this_machine_is_not_answered() {
    let chat = ChatPage::open();

    for path in ["/", "/nowhere", "/chat", "/chats", "/c/conv_1", "/c/conv_1/live/resp_1"] {
        let rebound = chat.browser.get(format!("{}{path}", chat.url));
        let rebound = rebound.header("host", "rebound.example:8780").send().await.unwrap();

        assert_eq!(rebound.status(), 403, "{path}");
        assert!(rebound.headers().contains_key("content-security-policy"));
        assert!(rebound.text().await.unwrap().contains("WEB_ALLOWED_HOSTS"));
    }
    let forged = chat.form("/chat", &[("prompt", "x")]).header("host", "rebound.example");
    assert_eq!(forged.send().await.unwrap().status(), 403);
    assert_eq!(chat.gateway.answers().len(), 0);
}

#[tokio::test]
async fn other_addresses_lead_somewhere() {
    let chat = ChatPage::open();

    assert_eq!(chat.get("/nowhere").await.status(), 404);
    // An address that is opened again leads to the chat.
    let home = chat.look("/chat").await;
    assert_eq!((home.status().as_u16(), home.url().path()), (200, "/"));
}

#[tokio::test]
async fn requests_are_counted() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;
    chat.page(&turn.path()).await;

    let metrics = chat.browser.get(format!("{}/metrics", chat.health_url)).send().await.unwrap();

    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("http_server_request_duration_seconds_count{")
            && metrics.contains("http_route=\"/chat\""),
        "{metrics}"
    );
    assert!(metrics.contains("http_client_request_duration_seconds_count{"), "{metrics}");
    assert!(metrics.contains("http_route=\"/c/{conversation}\""), "{metrics}");
    for said in ["Why", &turn.conversation, &turn.response] {
        assert!(!metrics.contains(said), "{said}: {metrics}");
    }
}

#[tokio::test]
async fn of_large_forms_a_few_are_read_at_once_and_small_ones_always() {
    const MORE: usize = 12;
    let chat = ChatPage::open();
    let address = chat.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut held = Vec::new();
    for _ in 0..MORE {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /chat HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: 8000000\r\n\r\nprompt="
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }

    // Small ones are taken all the same.
    let turn = chat.ask("Why?").await;
    assert!(chat.page(&turn.path()).await.contains("You said: Why?"));

    // Those for which there is no room are told so, in words; the others are waited for.
    let (no_room, room) = (MORE - 4, 4);
    let answers = futures::stream::iter(held.iter_mut()).map(async |stream| {
        let mut bytes = [0; 12];
        stream.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    });
    let told: Vec<String> = answers.buffer_unordered(MORE).take(no_room).collect().await;
    assert_eq!(told, vec!["HTTP/1.1 503"; MORE - room]);
}

#[tokio::test]
async fn names_that_are_no_text_are_no_chats_and_that_is_a_page() {
    let chat = ChatPage::open();
    for path in ["/c/%ff", "/c/%ff/rename", "/c/conv_1/export/%ff", "/c/conv_1/live/%ff"] {
        let answer = chat.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.unwrap().contains("There is no such chat."), "{path}");
    }
}
