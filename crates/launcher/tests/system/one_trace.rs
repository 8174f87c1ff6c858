//! One trace shows the whole way of a prompt, and nothing of what was said.

use serde_json::{Value, json};
use test_support::{ExportedSpan, OtlpReceiver, Stack};

/// Words that occur nowhere else: in the prompt, and in the answer. A model says a word as short as
/// this at once; of a longer one no line or label would have the whole.
const PROMPT_CANARY: &str = "kestrel-4471-prompt";
const ANSWER_CANARY: &str = "plover83";
/// The same in orders, as JSON may spell it: a prompt that asks for the answer does not have it.
const ANSWER_ORDERED: &str = "\\u0070lover83";

/// The kinds of a span, as OTLP numbers them.
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

#[tokio::test]
async fn a_prompt_from_the_chat_page_is_one_trace_with_the_right_parents() {
    let collector = OtlpReceiver::start();
    // Nothing is said even to those who want to know everything.
    let stack = Stack::builder().otlp(collector.endpoint()).log_filter("trace").start().await;

    let script = json!({"script": "text", "text": format!("The {ANSWER_CANARY} answers.")});
    let page = ask_on_the_page(&stack, &script).await;
    assert!(page.contains(ANSWER_CANARY), "the page shows the answer");

    let spans = collector.wait_for(|spans| find(spans, "web", SERVER, "POST").is_some()).await;
    let root = find(&spans, "web", SERVER, "POST").unwrap();
    let trace = root.trace_id.clone();
    let complete = |spans: &[ExportedSpan]| {
        let ours: Vec<_> = spans.iter().filter(|span| span.trace_id == trace).collect();
        ours.iter().any(|span| span.name == "POST /v1/responses")
            && ours.iter().any(|span| span.service == "llm-worker" && span.kind == CONSUMER)
            && ours
                .iter()
                .any(|span| span.service == "llm-worker" && span.name.starts_with("chat "))
            && ours.iter().any(|span| span.service == "model-simulator" && span.kind == SERVER)
    };
    collector.wait_for(complete).await;
    for status in [400, 500] {
        // Model servers quote what they do not understand.
        let message = format!("What is {ANSWER_CANARY}?");
        let fault = json!({"fault": {"status": status, "message": message}});
        ask_on_the_page(&stack, &fault).await;
        let log = stack.workers[0].log();
        assert!(log.contains(&format!("status {status}")), "a failed call is logged:\n{log}");
    }
    let logs = stack.logs();
    let gateway_log = stack.gateway.log();
    let worker_log = stack.workers[0].log();
    stack.stop().await;

    // Everything is flushed at the end.
    let spans = collector.spans();
    let ours: Vec<_> = spans.into_iter().filter(|span| span.trace_id == trace).collect();
    the_way_is_whole(&ours);
    nobody_is_an_orphan(&ours);
    for (service, log) in [("gateway", &gateway_log), ("llm-worker", &worker_log)] {
        assert!(log.contains(&trace), "{service} logs the trace id:\n{log}");
    }
    for canary in [PROMPT_CANARY, ANSWER_CANARY] {
        assert!(!logs.contains(canary), "`{canary}` is in a log:\n{logs}");
        for body in collector.bodies() {
            let found = body.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "`{canary}` was exported");
        }
    }
}

/// Sends the form of the chat page, as a browser without JavaScript does.
async fn ask_on_the_page(stack: &Stack, orders: &Value) -> String {
    let orders = orders.to_string().replace(ANSWER_CANARY, ANSWER_ORDERED);
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("model", "simulator")
        .append_pair("preset", "accurate")
        .append_pair("prompt", &format!("simulator: {orders}\n{PROMPT_CANARY}"))
        .finish();
    let browser = test_support::http_client_that_stays();
    let taken = browser
        .post(format!("{}/chat", stack.web_url))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let header = |name: &str| taken.headers()[name].to_str().unwrap();
    let session = header("set-cookie").split(';').next().unwrap();
    let page = format!("{}{}", stack.web_url, header("location"));
    let answer = browser.get(page).header("cookie", session).send().await.unwrap();
    answer.text().await.unwrap()
}

/// web → gateway → publish → process → model call → HTTP call → model, each the child of the last.
fn the_way_is_whole(spans: &[ExportedSpan]) {
    let way = [
        ("web", SERVER, "POST"),
        ("web", CLIENT, "POST"),
        ("gateway", SERVER, "POST /v1/responses"),
        ("gateway", PRODUCER, "publish"),
        ("llm-worker", CONSUMER, "process"),
        ("llm-worker", CLIENT, "chat simulator"),
        ("llm-worker", CLIENT, "POST"),
        ("model-simulator", SERVER, "POST /v1/chat/completions"),
    ];
    // From the model up: the page asks the gateway for other things as well.
    let mut child: Option<&ExportedSpan> = None;
    for (service, kind, name) in way.into_iter().rev() {
        let step = spans.iter().find(|span| {
            span.service == service
                && span.kind == kind
                && span.name.starts_with(name)
                && child.is_none_or(|child| child.parent_id == span.span_id)
        });
        let below = child.map(|child| child.span_id.as_str()).unwrap_or_default();
        child = Some(step.unwrap_or_else(|| {
            panic!("no `{name}` of {service} above span `{below}` in {spans:#?}")
        }));
    }
    assert_eq!(child.map(|root| root.parent_id.as_str()), Some(""), "it begins at the page");
    let process = spans.iter().find(|span| span.kind == CONSUMER).unwrap();
    let store = spans.iter().find(|span| span.name == "store JOBS_LIVE");
    let store = store.unwrap_or_else(|| panic!("NATS does not tell of its hop: {spans:#?}"));
    let publish = spans.iter().find(|span| span.kind == PRODUCER).unwrap();
    assert!(process.links.contains(&publish.span_id), "the work links to the message");
    assert_eq!((store.service.as_str(), &store.parent_id), ("gateway", &publish.span_id));
}

fn nobody_is_an_orphan(spans: &[ExportedSpan]) {
    for span in spans {
        let known = spans.iter().any(|other| other.span_id == span.parent_id);
        assert!(known || span.parent_id.is_empty(), "an orphan: {span:#?}");
    }
    let roots = spans.iter().filter(|span| span.parent_id.is_empty()).count();
    assert_eq!(roots, 1, "one root");
}

fn find<'a>(
    spans: &'a [ExportedSpan],
    service: &str,
    kind: i32,
    name: &str,
) -> Option<&'a ExportedSpan> {
    spans
        .iter()
        .find(|span| span.service == service && span.kind == kind && span.name.starts_with(name))
}
