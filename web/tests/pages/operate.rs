//! The operators' page: what it shows of what the gateway tells, and that it bears anything.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::support::ChatPage;

const OVERVIEW: &str = "GET /v1/admin/overview";

/// As a gateway of the same version tells it.
pub(crate) fn overview() -> Value {
    let times = json!({"p50": 0.14, "p95": 0.31, "p99": 0.55});
    json!({
        "object": "operator.overview", "at": 1_700_000_000.5, "window_seconds": 300,
        "gateways": [{"id": "g-1", "version": "0.1.0", "draining": false, "requests": 3,
            "seen_seconds_ago": 0.2, "this": true}],
        "workers": [{"id": "w-1", "version": "0.1.0", "queues": ["default"], "slots": 8, "busy": 8,
            "draining": false, "catalogue": "5d41402a", "seen_seconds_ago": 0.4}],
        "queues": [{"queue": "default", "lane": "chat", "waiting": 3, "oldest_wait_seconds": 12.4,
            "delivered": 8, "redelivered": 1}],
        "models": [{"model": "llama3.2", "queue": "default", "requests": 1234, "failed": 0,
            "input_tokens_per_second": 2130.0, "output_tokens_per_second": 712.4,
            "time_to_first_token_seconds": times, "time_per_output_token_seconds": null}],
        "answers": {"accepted": 5000, "completed": 4990, "failed": 2, "client_gone": 5,
            "not_queued": 0, "cancelled": 77, "open": 3, "input_tokens": 100, "output_tokens": 200,
            "since": 1_699_990_000},
        "redeliveries": 7,
        "dead_letters": {"kept": 42, "recent": [letter("17", true), letter("16", false)]},
        "slow_answers": [{"at": 1_699_999_970, "request_id": "req_1", "job_id": "job_1",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "model": "llama3.2", "queue": "default",
            "lane": "chat", "outcome": "client_gone", "duration_seconds": 31.7,
            "queue_wait_seconds": 12.4, "model_first_token_seconds": 0.33,
            "time_to_first_token_seconds": 12.74, "output_tokens": 812}],
        "history": {"step_seconds": 10, "points": [
            {"at": 1_699_999_980, "accepted": 3, "failed": 0, "output_tokens": 900, "waiting": 2,
                "oldest_wait_seconds": 1.5, "time_to_first_token_p95_seconds": null},
            {"at": 1_699_999_990, "accepted": 4, "failed": 1, "output_tokens": 1000, "waiting": 3,
                "oldest_wait_seconds": 12.4, "time_to_first_token_p95_seconds": 0.31}]},
        "incomplete": []
    })
}

pub(crate) fn letter(id: &str, can_redrive: bool) -> Value {
    let why_not = (!can_redrive).then_some("It holds no job that can be read.");
    json!({"object": "dead_letter", "id": id, "created_at": 1_699_999_000, "lane": "background",
        "queue": "default", "model": "llama3.2", "job_id": "job_2", "reason": "attempts_exhausted",
        "attempts": 5, "can_redrive": can_redrive, "why_not": why_not})
}

/// A page before a gateway that lets everybody operate.
fn open_page() -> (ChatPage, Gateway) {
    let gateway = Gateway::that_refuses(404, "not_found", "No.");
    gateway.say_to(OVERVIEW, 200, overview());
    (ChatPage::before(&gateway), gateway)
}

async fn shown(page: &ChatPage, path: &str) -> String {
    let response = page.look(path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

#[tokio::test]
async fn it_says_who_waits_and_shows_every_figure() {
    let (page, _gateway) = open_page();

    let html = shown(&page, "/operate").await;

    let headline = "3 people wait in default/chat, the longest for 12 s: all 8 slots are taken.";
    assert!(html.contains(&format!("<h2 id=\"verdict\">{headline}</h2>")), "{html}");
    assert!(html.contains("<title>Trouble · Operate · Chappe</title>"));
    for figure in [
        ">w-1<",
        ">5d41402a<",
        "8 of 8",
        ">g-1<",
        ">llama3.2<",
        ">1,234<",
        ">2,130<",
        ">712<",
        ">140 ms<",
        ">310 ms<",
        ">550 ms<",
        ">client gone<",
        ">32 s<",
        ">330 ms<",
        ">19 s<",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        ">attempts_exhausted<",
        "All 42 dead letters",
        "It holds no job that can be read.",
        ">4,990<",
        "Cancelled</dt><dd>77<",
        ">30 s ago</time>",
        "datetime=\"2023-11-14T22:12:50Z\"",
        "Redelivered</dt><dd><strong>7</strong>",
        "Tokens said a second: 100 at last, 100 at most.",
    ] {
        assert!(html.contains(figure), "{figure} is not in {html}");
    }
    assert_eq!(html.matches("/redrive\"").count(), 1, "only what can be sent again is offered");
    assert_eq!(html.matches("<caption").count(), html.matches("<table").count());
    assert!(!html.contains(" style=") && !html.contains("NaN"));
}

#[tokio::test]
async fn it_reloads_itself_without_a_script_until_it_is_held_still() {
    let (page, _gateway) = open_page();

    let live = shown(&page, "/operate").await;
    let still = shown(&page, "/operate?still").await;

    let refresh = "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>";
    assert!(live.contains(refresh) && live.contains("href=\"/operate?still\""), "{live}");
    assert!(!still.contains("refresh\"") && !still.contains("<script"), "{still}");
    assert!(still.contains("<a href=\"/operate\">Follow them live</a>"));
    let script = live.split_once("src=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(script.contains("operate"), "not the script of the chat: {script}");
}

#[tokio::test]
async fn a_gateway_of_another_version_is_understood_as_far_as_possible_and_said_to_be() {
    let (page, gateway) = open_page();
    let mut told = overview();
    told["queues"] = json!("elsewhere");
    told["moods"] = json!([1]);
    told["incomplete"] = json!(["NATS did not answer <in time>."]);
    told.as_object_mut().unwrap().remove("history");
    gateway.say_to(OVERVIEW, 200, told);

    let html = shown(&page, "/operate").await;

    assert!(html.contains(">w-1<") && html.contains("Something is missing here"), "{html}");
    assert!(html.contains("<code>queues</code>, <code>history</code>"), "{html}");
    assert!(html.contains("<code>moods</code>, which this page does not know"), "{html}");
    assert!(html.contains("NATS did not answer &lt;in time&gt;."), "{html}");

    gateway.say_to(OVERVIEW, 200, json!({"object": "operator.overview"}));
    assert!(shown(&page, "/operate").await.contains("<code>workers</code>"));
}

#[tokio::test]
async fn each_way_of_telling_nothing_has_its_words() {
    let (page, gateway) = open_page();
    for (status, body, words) in [
        (404, "{}", "it is older than this page"),
        (200, "<html>", "no gateway that this page knows"),
        (200, "{\"object\":\"list\",\"data\":[]}", "no gateway that this page knows"),
        (500, "", "The gateway answers with an error."),
    ] {
        gateway.say_to(OVERVIEW, status, body);
        let html = shown(&page, "/operate").await;
        assert!(html.contains(words) && html.contains("Trouble"), "{status} {body}: {html}");
        assert!(html.contains("http-equiv=\"refresh\""), "it looks again: {html}");
    }
    let alone = ChatPage::without_gateway().await;
    assert!(shown(&alone, "/operate").await.contains("The gateway does not answer."));
}

#[tokio::test]
async fn what_others_wrote_is_text() {
    let (page, gateway) = open_page();
    let text = overview().to_string();
    for name in ["w-1", "llama3.2", "attempts_exhausted", "default", "job_1", "5d41402a"] {
        let told = text.replace(name, "<script>x</script>");
        gateway.say_to(OVERVIEW, 200, told);
        let html = shown(&page, "/operate").await;
        assert!(html.contains("&lt;script&gt;x") && !html.contains("<script>"), "{name}: {html}");
    }
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_or_deleted_once_that_was_said_twice() {
    let (page, gateway) = open_page();
    let list = json!({"object": "list", "data": [letter("17", true)], "has_more": true});
    gateway.say_to("GET /v1/admin/dead_letters", 200, list);
    let done = json!({"object": "dead_letter.redriven", "id": "17", "response_id": "resp_9"});
    gateway.say_to("POST /v1/admin/dead_letters/17/redrive", 200, done);
    gateway.say_to("DELETE /v1/admin/dead_letters/17", 200, json!({"deleted": true}));

    let asked = shown(&page, "/operate/dead-letters/17/redrive").await;
    assert!(asked.contains("attempts_exhausted") && asked.contains("Send it again"), "{asked}");
    assert!(acts(&gateway).is_empty(), "nothing was done yet");
    // The browser follows to the list.
    let sent = page.form("/operate/dead-letters/17/redrive", &[]).send().await.unwrap();
    let list = sent.text().await.unwrap();
    assert!(list.contains("Dead letter 17 was sent again, as the response resp_9."), "{list}");
    assert!(list.contains("href=\"/operate/dead-letters?after=17\""), "{list}");
    let deleted = page.form("/operate/dead-letters/17/delete", &[]).send().await.unwrap();
    assert!(deleted.text().await.unwrap().contains("Dead letter 17 was deleted."));

    assert_eq!(
        acts(&gateway),
        ["POST /v1/admin/dead_letters/17/redrive", "DELETE /v1/admin/dead_letters/17"]
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_its_reason() {
    let (page, gateway) = open_page();
    let refused = |code: &str, message: &str| json!({"error": {"message": message, "type": "invalid_request_error", "code": code}});
    let redrive = "POST /v1/admin/dead_letters/17/redrive";

    gateway.say_to(redrive, 409, refused("not_redrivable", "Its input is gone."));
    let conflict = page.form("/operate/dead-letters/17/redrive", &[]).send().await.unwrap();
    assert_eq!(conflict.status(), StatusCode::CONFLICT);
    assert!(conflict.text().await.unwrap().contains("Its input is gone."));

    gateway.say_to(redrive, 404, refused("dead_letter_not_found", "No."));
    let gone = page.form("/operate/dead-letters/17/redrive", &[]).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);

    for path in ["/operate/dead-letters/17/burn", "/operate/dead-letters/..%2F..%2Fkeys/delete"] {
        assert_eq!(page.look(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let forged = page.browser.post(format!("{}/operate/dead-letters/17/delete", page.url));
    let forged = forged.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(acts(&gateway), [redrive, redrive]);
}

#[tokio::test]
async fn an_address_puts_no_words_of_its_own_into_the_page() {
    let (page, gateway) = open_page();
    let empty = json!({"object": "list", "data": [], "has_more": false});
    gateway.say_to("GET /v1/admin/dead_letters", 200, empty);

    for query in ["done=redrive&id=x", "done=hacked&id=1", "done=redrive&id=1&response=<b>call+me"]
    {
        let html = shown(&page, &format!("/operate/dead-letters?{query}")).await;
        assert!(!html.contains("hacked") && !html.contains("call"), "{query}: {html}");
    }
}

/// What was asked of the gateway that changes something.
fn acts(gateway: &Gateway) -> Vec<String> {
    let calls = gateway.calls().into_iter().filter(|call| call.method != "GET");
    calls.map(|call| format!("{} {}", call.method, call.path)).collect()
}
