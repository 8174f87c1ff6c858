//! What happened to a request, told as events.

use serde_json::{Value, json};

use super::{Fold, failed, id};
use crate::responses::{End, Status};

fn text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn message(n: usize, status: &str, content: &Value) -> Value {
    json!({
        "id": id("msg", n), "type": "message", "status": status, "role": "assistant",
        "content": content,
    })
}

#[test]
fn a_text_is_told_piece_by_piece() {
    let mut fold = Fold::started();
    fold.delta(&json!({"role": "assistant", "content": ""}));
    fold.delta(&json!({"content": "Hel"}));
    fold.delta(&json!({"content": "lo\n\"é\""}));
    fold.finish("stop");
    fold.end(&End::Completed);

    assert_eq!(
        fold.names(),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let whole = "Hello\n\"é\"";
    let place = |mut event: Value, name: &str, number: u64| {
        event["type"] = json!(name);
        event["sequence_number"] = json!(number);
        event["output_index"] = json!(0);
        event
    };
    let within = |mut event: Value, name: &str, number: u64| {
        event["item_id"] = json!(id("msg", 0));
        event["content_index"] = json!(0);
        place(event, name, number)
    };
    let events: Vec<Value> =
        fold.events[2..9].iter().map(|event| super::json(&event.json)).collect();
    assert_eq!(
        events,
        [
            place(
                json!({"item": message(0, "in_progress", &json!([]))}),
                "response.output_item.added",
                2
            ),
            within(json!({"part": text("")}), "response.content_part.added", 3),
            within(json!({"delta": "Hel", "logprobs": []}), "response.output_text.delta", 4),
            within(json!({"delta": "lo\n\"é\"", "logprobs": []}), "response.output_text.delta", 5),
            within(json!({"text": whole, "logprobs": []}), "response.output_text.done", 6),
            within(json!({"part": text(whole)}), "response.content_part.done", 7),
            place(
                json!({"item": message(0, "completed", &json!([text(whole)]))}),
                "response.output_item.done",
                8,
            ),
        ]
    );
    let completed = fold.told("response.completed").remove(0);
    assert_eq!(completed["response"], fold.response());
    assert_eq!(fold.response()["output"], json!([message(0, "completed", &json!([text(whole)]))]));
    assert_eq!(fold.projection.status(), Status::Completed);
}

#[test]
fn thoughts_come_before_the_text_under_either_name() {
    for name in ["reasoning_content", "reasoning"] {
        let mut fold = Fold::started();
        fold.delta(&json!({name: "Hm", "content": ""}));
        fold.delta(&json!({name: "m."}));
        fold.delta(&json!({"content": "Yes."}));
        fold.end(&End::Completed);

        assert_eq!(
            fold.names()[2..10],
            [
                "response.output_item.added",
                "response.content_part.added",
                "response.reasoning_text.delta",
                "response.reasoning_text.delta",
                "response.reasoning_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added",
            ]
        );
        let thought = json!({"type": "reasoning_text", "text": "Hmm."});
        assert_eq!(
            fold.response()["output"],
            json!([
                {"id": id("rs", 0), "type": "reasoning", "status": "completed", "summary": [],
                 "content": [thought]},
                message(1, "completed", &json!([text("Yes.")])),
            ])
        );
    }
}

#[test]
fn a_server_that_says_a_thought_under_both_names_says_it_once() {
    let mut fold = Fold::started();
    fold.delta(&json!({"reasoning_content": "Hm", "reasoning": "Hm"}));
    assert_eq!(fold.told("response.reasoning_text.delta").len(), 1);
}

#[test]
fn a_refusal_is_a_part_of_the_message() {
    let mut fold = Fold::started();
    fold.delta(&json!({"content": "Well. "}));
    fold.delta(&json!({"refusal": "No"}));
    fold.delta(&json!({"refusal": "!"}));
    fold.end(&End::Completed);

    assert_eq!(
        fold.names()[5..],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.content_part.added",
            "response.refusal.delta",
            "response.refusal.delta",
            "response.refusal.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let parts = json!([text("Well. "), {"type": "refusal", "refusal": "No!"}]);
    assert_eq!(fold.response()["output"], json!([message(0, "completed", &parts)]));
    let done = &fold.told("response.refusal.done")[0];
    assert_eq!((&done["refusal"], &done["content_index"]), (&json!("No!"), &json!(1)));
}

#[test]
fn a_model_that_was_cut_short_is_incomplete() {
    for (reason, expected) in
        [("length", "max_output_tokens"), ("content_filter", "content_filter")]
    {
        let mut fold = Fold::started();
        fold.delta(&json!({"content": "Hel"}));
        fold.finish(reason);
        fold.end(&End::Completed);

        let response = fold.response();
        assert_eq!(fold.names().last(), Some(&"response.incomplete"));
        assert_eq!(response["status"], "incomplete");
        assert_eq!(response["incomplete_details"], json!({"reason": expected}));
        assert_eq!(response["completed_at"], Value::Null);
        assert_eq!(response["output"], json!([message(0, "incomplete", &json!([text("Hel")]))]));
        assert_eq!(fold.projection.status(), Status::Incomplete);
    }
}

#[test]
fn a_restart_closes_what_was_said_and_begins_behind_it() {
    let mut fold = Fold::started();
    fold.delta(&json!({"reasoning": "Hm"}));
    fold.delta(&json!({"content": "Hel"}));
    fold.finish("length");
    let before = fold.events.len();
    fold.start(false);
    fold.delta(&json!({"content": "Bye"}));
    fold.end(&End::Completed);

    assert_eq!(
        fold.names()[before..before + 4],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
        ]
    );
    let done = fold.told("response.output_item.done");
    assert_eq!(done[1]["item"], message(1, "incomplete", &json!([text("Hel")])));
    assert_eq!(fold.told("response.output_item.added")[2]["output_index"], 2);
    assert_eq!(fold.told("response.in_progress").len(), 1);
    // What the first attempt said is no part of the answer, nor why it stopped.
    assert_eq!(fold.response()["output"], json!([message(2, "completed", &json!([text("Bye")]))]));
    assert_eq!(fold.response()["status"], "completed");
}

#[test]
fn an_attempt_that_continues_goes_on_in_the_same_item() {
    let mut fold = Fold::started();
    fold.delta(&json!({"content": "Hel"}));
    let before = fold.events.len();
    fold.start(true);
    assert_eq!(fold.events.len(), before);
    fold.delta(&json!({"content": "lo"}));
    fold.end(&End::Completed);

    assert_eq!(
        fold.response()["output"],
        json!([message(0, "completed", &json!([text("Hello")]))])
    );
    assert_eq!(fold.told("response.output_item.added").len(), 1);
}

#[test]
fn a_cancelled_answer_keeps_its_text_and_its_stream_breaks() {
    let mut fold = Fold::started();
    fold.delta(&json!({"content": "Hel"}));
    fold.end(&End::Cancelled);

    assert_eq!(fold.names()[7..], ["response.output_item.done", "error"]);
    assert_eq!(
        fold.told("error")[0],
        json!({
            "type": "error", "sequence_number": 8, "code": "response_cancelled",
            "message": "The response was cancelled.", "param": null,
        })
    );
    assert_eq!(fold.response()["status"], "cancelled");
    assert_eq!(fold.response()["output"], json!([message(0, "incomplete", &json!([text("Hel")]))]));
}

#[test]
fn an_answer_that_failed_says_why() {
    for said in ["", "Hel"] {
        let mut fold = Fold::started();
        fold.delta(&json!({"content": said}));
        fold.end(&failed());

        let response = fold.response();
        assert_eq!(fold.names().last(), Some(&"response.failed"));
        assert_eq!(response["status"], "failed");
        assert_eq!(response["error"], json!({"code": "server_error", "message": "It \"broke\"."}));
        let output = match said {
            "" => json!([]),
            said => json!([message(0, "incomplete", &json!([text(said)]))]),
        };
        assert_eq!(response["output"], output);
    }
}

#[test]
fn a_job_that_nobody_took_fails_too() {
    let mut fold = Fold::of(&json!({"model": "m", "input": "hi"}));
    fold.end(&failed());
    assert_eq!(fold.names(), ["response.created", "response.failed"]);
}

#[test]
fn in_the_background_it_is_queued_first() {
    let mut fold = Fold::of(&json!({"model": "m", "input": "hi", "background": true}));
    assert_eq!(fold.names(), ["response.created", "response.queued"]);
    assert_eq!(fold.response()["status"], "queued");
    assert_eq!(fold.projection.status(), Status::Queued);

    fold.start(false);
    assert_eq!(fold.told("response.in_progress")[0]["response"]["status"], "in_progress");
    assert_eq!(fold.projection.status(), Status::InProgress);
}

#[test]
fn behind_the_end_nothing_happens() {
    let mut fold = Fold::started();
    fold.end(&End::Completed);
    let (events, response) = (fold.events.len(), fold.response());

    fold.start(false);
    fold.delta(&json!({"content": "x"}));
    fold.end(&failed());

    assert_eq!((fold.events.len(), fold.response()), (events, response));
}

#[test]
fn what_cannot_be_read_is_not_passed_over() {
    for chunk in ["", "{", r#"{"choices":[{"delta":{"content":["a"]}}]}"#, r#"{"choices":7}"#] {
        let mut fold = Fold::started();
        fold.projection.chunk(chunk.as_bytes(), &mut fold.events);
        fold.end(&End::Completed);
        assert_eq!(fold.response()["status"], "failed", "{chunk}");
        assert_eq!(fold.response()["error"]["code"], "server_error");
    }
    // A new attempt makes good for it.
    let mut fold = Fold::started();
    fold.projection.chunk(b"{", &mut fold.events);
    fold.start(false);
    fold.end(&End::Completed);
    assert_eq!(fold.response()["status"], "completed");
}

#[test]
fn members_that_say_nothing_are_no_fault() {
    let mut fold = Fold::started();
    let before = fold.events.len();
    for chunk in [
        "{}",
        r#"{"choices":null,"usage":null}"#,
        r#"{"choices":[{"index":null,"delta":null,"logprobs":null,"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":null,"refusal":null,"tool_calls":null,"x":[1]}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"of another answer"}}]}"#,
        r#"{"usage":{"prompt_tokens":"many"}}"#,
    ] {
        fold.projection.chunk(chunk.as_bytes(), &mut fold.events);
    }
    assert_eq!(fold.events.len(), before);
    fold.end(&End::Completed);
    assert_eq!(fold.response()["status"], "completed");
}

#[test]
fn a_character_in_two_halves_comes_out_whole() {
    let mut fold = Fold::started();
    for half in [r"\ud83d", r"\ude00"] {
        let chunk = format!(r#"{{"choices":[{{"delta":{{"content":"{half}"}}}}]}}"#);
        fold.projection.chunk(chunk.as_bytes(), &mut fold.events);
    }
    fold.end(&End::Completed);
    assert_eq!(fold.response()["output"][0]["content"][0]["text"], "\u{1f600}");
}

#[test]
fn probabilities_are_told_to_who_asked() {
    let chunk = |token: &str| {
        let logprob = json!({"token": token, "logprob": -0.5, "bytes": [1], "top_logprobs": []});
        let logprobs = json!({"content": [logprob], "refusal": null});
        let choice = json!({"index": 0, "delta": {"content": token}, "logprobs": logprobs});
        json!({"choices": [choice]}).to_string()
    };
    for (asked, count) in [(true, 1), (false, 0)] {
        let include = if asked { json!(["message.output_text.logprobs"]) } else { json!([]) };
        let mut fold = Fold::of(&json!({"model": "m", "input": "hi", "include": include}));
        fold.start(false);
        for token in ["a", "b"] {
            fold.projection.chunk(chunk(token).as_bytes(), &mut fold.events);
        }
        fold.end(&End::Completed);

        let len = |logprobs: &Value| logprobs.as_array().unwrap().len();
        assert_eq!(len(&fold.told("response.output_text.delta")[1]["logprobs"]), count);
        assert_eq!(len(&fold.told("response.output_text.done")[0]["logprobs"]), 2 * count);
        assert_eq!(len(&fold.response()["output"][0]["content"][0]["logprobs"]), 2 * count);
    }
}
