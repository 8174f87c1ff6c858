//! That it is as ours is, as far as the page can tell.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Cut, Gateway, Piece, Refused, Script};

/// Somebody who asks it.
struct Caller {
    gateway: Gateway,
    http: reqwest::Client,
    owner: &'static str,
}

impl Caller {
    fn of(gateway: &Gateway, owner: &'static str) -> Self {
        let http = test_support::http_client();
        Self { gateway: gateway.clone(), http, owner }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.gateway.address());
        let request = self.http.request(method.parse().unwrap(), url);
        request.header("chappe-on-behalf-of", self.owner)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request("GET", path).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request("POST", path).json(body).send().await.unwrap()).await
    }

    async fn conversation(&self) -> String {
        let (status, made) = self.post("/v1/conversations", &json!({})).await;
        assert_eq!((status, made["object"].as_str()), (200, Some("conversation")));
        made["id"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, conversation: &str, input: &str, ours: Option<Value>) -> (u16, Value) {
        let mut body = json!({"model": "simulator", "input": input, "background": true,
            "conversation": conversation});
        if let Some(ours) = ours {
            body["chappe"] = ours;
        }
        self.post("/v1/responses", &body).await
    }

    async fn turn(&self, conversation: &str, input: &str, ours: Option<Value>) -> String {
        let (status, response) = self.ask(conversation, input, ours).await;
        assert_eq!((status, &response["status"]), (200, &json!("queued")), "{response}");
        response["id"].as_str().unwrap().to_owned()
    }
}

async fn answer(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn turns_are_a_tree_and_a_model_is_told_its_branch_alone() {
    let gateway = Gateway::start();
    let caller = Caller::of(&gateway, "one");
    let id = caller.conversation().await;
    let first = caller.turn(&id, "a", None).await;
    let second = caller.turn(&id, "b", None).await;
    let other = caller.turn(&id, "c", Some(json!({"after": first}))).await;
    let alone = caller.turn(&id, "d", Some(json!({"after": null}))).await;

    let told = gateway.answers()[2].told();
    let told: Vec<_> = told.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(told, ["a", "You said: a", "c"]);
    assert_eq!(gateway.answers()[3].told().len(), 1);
    for (query, expected) in [
        ("".to_owned(), vec![&*alone]),
        (format!("?at={first}"), vec![&*first, &*other]),
        (format!("?at={second}"), vec![&*first, &*second]),
        (format!("?at={second}&before={second}"), vec![&*first]),
        (format!("?at={second}&limit=1"), vec![&*second]),
    ] {
        let (status, page) = caller.get(&format!("/v1/conversations/{id}/turns{query}")).await;
        let turns = page["data"].as_array().unwrap().iter();
        let ids: Vec<_> = turns.map(|turn| turn["id"].as_str().unwrap()).collect();
        assert_eq!((status, ids), (200, expected), "{query}");
        assert_eq!(page["has_more"], query.contains("limit"), "{query}");
    }
    let (_, page) = caller.get(&format!("/v1/conversations/{id}/turns?at={second}")).await;
    let turn = &page["data"][1];
    assert_eq!((&turn["after"], &turn["siblings"]), (&json!(first), &json!([second, other])));
    assert_eq!(turn["input"][0]["content"][0]["text"], "b");
    assert_eq!(turn["response"]["output"][0]["content"][0]["text"], "You said: b");
    for ours in [json!({"after": "resp_0"}), json!({"after": 7}), json!({"before": null})] {
        let (status, _) = caller.ask(&id, "x", Some(ours.clone())).await;
        assert_eq!(status, if ours["after"].is_string() { 404 } else { 400 }, "{ours}");
    }
}

#[tokio::test]
async fn one_turn_at_a_time_and_nothing_is_there_for_somebody_else() {
    let gateway = Gateway::that_waits();
    let (caller, other) = (Caller::of(&gateway, "one"), Caller::of(&gateway, "other"));
    let id = caller.conversation().await;
    let turn = caller.turn(&id, "Why? And how?", None).await;

    let (status, refused) = caller.ask(&id, "b", None).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!("conversation_locked")));
    for path in [
        format!("conversations/{id}"),
        format!("conversations/{id}/turns"),
        format!("responses/{turn}"),
    ] {
        assert_eq!(caller.get(&format!("/v1/{path}")).await.0, 200, "{path}");
        assert_eq!(other.get(&format!("/v1/{path}")).await.0, 404, "{path}");
    }
    assert_eq!(other.post(&format!("/v1/responses/{turn}/cancel"), &json!({})).await.0, 404);
    assert_eq!(other.get("/v1/conversations").await.1["data"], json!([]));
    let (_, list) = caller.get("/v1/conversations?search=AND+HOW").await;
    assert_eq!(
        (&list["data"][0]["title"], &list["search_complete"]),
        (&json!("Why? And how?"), &json!(true))
    );

    caller.post(&format!("/v1/responses/{turn}/cancel"), &json!({})).await;
    assert_eq!(gateway.next_answer().await.ended().await.as_str(), "cancelled");
    let renamed = json!({"metadata": {"title": "Bees"}});
    assert_eq!(caller.post(&format!("/v1/conversations/{id}"), &renamed).await.1["title"], "Bees");
    let gone = caller.request("DELETE", &format!("/v1/conversations/{id}?responses=true"));
    assert_eq!(gone.send().await.unwrap().status(), 200);
    assert_eq!(caller.get(&format!("/v1/responses/{turn}")).await.0, 404);
}

#[tokio::test]
async fn a_stream_is_read_on_behind_any_number_over_cuts_and_deaths() {
    let gateway = Gateway::that_waits();
    let caller = Caller::of(&gateway, "one");
    let id = caller.turn(&caller.conversation().await, "a", None).await;
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.think("Hm");
    answer.say("lost");
    answer.restart();
    answer.say("One ");
    let stream = |after: usize| {
        let path = format!("/v1/responses/{id}?stream=true&starting_after={after}");
        caller.request("GET", &path)
    };

    let live = stream(0).send().await.unwrap();
    answer.is_read_by(1).await;
    gateway.cut(Cut::InWords);
    assert!(live.text().await.unwrap().ends_with("\"server_error\"}}\n\n"));
    let live = stream(0).send().await.unwrap();
    answer.is_read_by(1).await;
    gateway.die().await;
    assert!(live.text().await.is_err(), "it broke");
    assert!(stream(0).send().await.is_err(), "nobody is there");
    answer.say("two");
    gateway.come_back();
    answer.complete();

    let whole = stream(0).send().await.unwrap().text().await.unwrap();
    let last = whole.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: response.completed\n"), "{last}");
    for (at, _) in whole.match_indices("event: ").skip(1) {
        let number: usize =
            whole[at..].split("id: ").nth(1).unwrap().split('\n').next().unwrap().parse().unwrap();
        let rest = stream(number - 1).send().await.unwrap().text().await.unwrap();
        assert_eq!(rest, whole[at..]);
    }
    assert_eq!(stream(999).send().await.unwrap().status(), 400);
    gateway.breaks_after([whole.len() / 2]);
    assert!(stream(0).send().await.unwrap().text().await.is_err());
}

#[tokio::test]
async fn what_is_asked_twice_under_one_key_is_done_once() {
    let gateway = Gateway::start();
    let caller = Caller::of(&gateway, "one");
    let conversation = caller.conversation().await;
    let ask = async |key: &str, input: &str| {
        let body = json!({"model": "simulator", "input": input, "background": true,
            "conversation": conversation});
        let request = caller.request("POST", "/v1/responses").json(&body);
        request.header("idempotency-key", key).send().await
    };

    gateway.lose_next("POST /v1/responses");
    let lost = ask("k", "a").await;
    assert!(lost.is_err() || lost.unwrap().text().await.is_err());
    let again = ask("k", "a").await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(answer(again).await.1["id"], gateway.answers()[0].id());
    assert_eq!(ask("k", "b").await.unwrap().status(), 409);
    assert_eq!(gateway.answers().len(), 1);
    gateway.refuse_next("POST /v1/responses", Refused::new(429, "x", "Later.").come_again(7));
    let refused = ask("l", "b").await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    gateway.answers_by(Script::Says(vec![Piece::text("x"), Piece::Incomplete("content_filter")]));
    ask("m", "c").await.unwrap();
    assert_eq!(gateway.answers()[1].ended().await.as_str(), "incomplete");
}
