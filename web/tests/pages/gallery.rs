//! Every piece of the pages in every state, for whoever works on them.

use reqwest::StatusCode;

use crate::support::ChatPage;

#[tokio::test]
async fn it_is_there_when_a_setting_says_so_alone() {
    let page = ChatPage::open();

    for path in ["/gallery", "/gallery/ended", "/c/conv_gallery/live/resp_gallery1"] {
        assert_eq!(page.look(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn each_of_its_pages_is_made_without_the_gateway() {
    let page = ChatPage::open_with(&[("WEB_GALLERY", "on")]);
    let index = page.page("/gallery").await;
    let links = index.split("href=\"/gallery/").skip(1);
    let names: Vec<&str> = links.filter_map(|link| link.split('"').next()).collect();
    assert!(names.len() > 15, "{names:?}");

    for name in names {
        let html = page.page(&format!("/gallery/{name}")).await;

        assert!(html.contains("<main"), "{name}: {html}");
    }

    assert_eq!(page.look("/gallery/nothing").await.status(), StatusCode::NOT_FOUND);
    let asked: Vec<_> = page.gateway.calls().into_iter().map(|call| call.path).collect();
    assert!(asked.iter().all(|path| path == "/v1/models"), "by whoever looks after it: {asked:?}");
}

#[tokio::test]
async fn an_answer_that_is_being_written_there_says_nothing_more() {
    let page = ChatPage::open_with(&[("WEB_GALLERY", "on")]);
    let html = page.page("/gallery/streaming").await;
    assert!(html.contains("data-live=\"/c/conv_gallery/live/resp_gallery1\""), "{html}");

    let live = page.look("/c/conv_gallery/live/resp_gallery1").await;

    assert_eq!(live.headers()["content-type"], "text/event-stream");
    assert_eq!(live.text().await.unwrap(), "retry: 100\n\n");
}

#[tokio::test]
async fn of_code_that_is_being_written_the_end_stands_within_it() {
    let page = ChatPage::open_with(&[("WEB_GALLERY", "on")]);

    let html = page.page("/gallery/streaming-code").await;

    let code = html.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0;
    assert!(code.contains("<span class=\"tail\">    arms.set(si"), "{code}");
}
