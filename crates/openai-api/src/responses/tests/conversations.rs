//! What makes and changes a conversation.

use serde_json::{Value, json};

use super::{SEED, chat, json as read};
use crate::InvalidRequest;
use crate::responses::{
    After, CreateResponse, NewConversation, NewItems, Speaker, first_user_text, first_user_words,
    new_metadata, said_in,
};

fn create(body: &Value) -> Result<NewConversation, InvalidRequest> {
    NewConversation::parse(body.to_string().as_bytes())
}

#[test]
fn a_conversation_may_begin_with_nothing() {
    for body in ["", " \n", "{}", r#"{"items":null,"metadata":null}"#, r#"{"items":[]}"#] {
        let new = NewConversation::parse(body.as_bytes()).unwrap();
        assert_eq!((new.items(SEED).as_str(), new.metadata()), ("[]", None), "{body}");
    }
}

#[test]
fn what_is_added_gets_ids_of_ours_and_is_complete() {
    let items = json!([
        {"role": "user", "content": "hi"},
        {"type": "message", "id": "msg_own", "role": "assistant", "content": [
            {"type": "output_text", "text": "yes"},
        ]},
    ]);
    let added = read(create(&json!({"items": items})).unwrap().items(SEED));
    assert_eq!(added[0]["id"], format!("msg_{SEED}_in0"));
    assert_eq!(added[1]["id"], format!("msg_{SEED}_in1"));
    assert_eq!(added[0]["content"], json!([{"type": "input_text", "text": "hi"}]));
    assert_eq!(added[1]["content"], items[1]["content"]);
    let body = json!({"items": items}).to_string();
    assert_eq!(read(NewItems::parse(body.as_bytes()).unwrap().items(SEED)), added);
}

#[test]
fn what_no_model_could_be_given_is_refused_when_it_is_added() {
    let many = vec![json!({"role": "user", "content": "x"}); 21];
    for (body, param, code) in [
        (json!({"items": many}), "items", "array_above_max_length"),
        (json!({"items": "hi"}), "items", "invalid_type"),
        (json!({"items": ["hi"]}), "items[0]", "invalid_type"),
        (json!({"items": [{"role": "cat", "content": "x"}]}), "items[0].role", "invalid_value"),
        (json!({"items": [{"type": "computer_call"}]}), "items[0].type", "unsupported_value"),
        (json!({"metadata": {"k": 1}}), "metadata.k", "invalid_type"),
    ] {
        let refused = create(&body).err().unwrap();
        assert_eq!((refused.param.as_deref(), refused.code), (Some(param), code), "{body}");
    }
    let missing = |body: &[u8]| NewItems::parse(body).err().unwrap().param;
    assert_eq!(missing(b"{}").as_deref(), Some("items"));
    assert_eq!(new_metadata(b"{}").unwrap_err().param.as_deref(), Some("metadata"));
    // Kept as they came: what a second one hid would never have been checked.
    let twice = new_metadata(br#"{"metadata":{"a":5,"\u0061":"b"}}"#).unwrap_err();
    assert_eq!((twice.param.as_deref(), twice.code), (Some("metadata"), "invalid_value"));
    assert_eq!(new_metadata(br#"{"metadata":null}"#).as_deref(), Ok("{}"));
    assert_eq!(new_metadata(br#"{"metadata":{"a":"b"}}"#).as_deref(), Ok(r#"{"a":"b"}"#));
}

#[test]
fn a_request_names_its_conversation_in_either_way_and_may_have_no_input() {
    for conversation in [json!("conv_1"), json!({"id": "conv_1"})] {
        let request = json!({"model": "m", "conversation": conversation});
        let parsed = CreateResponse::parse(request.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.conversation(), Some("conv_1"));
        let before = r#"[{"role":"user","content":"before"}]"#;
        assert_eq!(chat(&request, before)["messages"][0]["content"], "before");
        assert_eq!(parsed.chat_body("[]").unwrap_err().param.as_deref(), Some("input"));
    }
}

#[test]
fn a_request_says_behind_which_turn_it_goes_and_its_model_hears_nothing_of_that() {
    let turn = || After::Turn("resp_1".to_owned());
    for (ours, after) in [
        (json!(null), After::Newest),
        (json!({}), After::Newest),
        (json!({"after": null}), After::Beginning),
        (json!({"after": "resp_1"}), turn()),
    ] {
        let request = json!({"model": "m", "input": "x", "conversation": "conv_1", "chappe": ours});
        let parsed = CreateResponse::parse(request.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.after(), &after, "{request}");
        assert_eq!(chat(&request, "[]").get("chappe"), None, "{request}");
    }
    let plain = br#"{"model":"m","input":"x","conversation":"conv_1"}"#;
    assert_eq!(CreateResponse::parse(plain).unwrap().after(), &After::Newest);
    let twice = br#"{"model":"m","conversation":"c","chappe":{"after":null,"after":"resp_1"}}"#;
    assert_eq!(CreateResponse::parse(twice).unwrap().after(), &turn(), "the last one counts");
    // Without a conversation it asks for nothing.
    assert!(CreateResponse::parse(br#"{"model":"m","input":"x","chappe":{}}"#).is_ok());
}

#[test]
fn texts_of_users_and_assistants_are_found_and_nothing_else() {
    let items = json!([
        {"type": "message", "role": "system", "content": "rules"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"text": "thought"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]},
        {"role": "user", "content": " "},
        {"role": "user", "content": [{"type": "input_text", "text": "a\nb"}]},
        {"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "yes"}, {"type": "refusal", "refusal": "no"},
        ]},
        {"type": "function_call_output", "call_id": "c", "output": "o"},
    ])
    .to_string();
    let said = said_in(&items);
    let expected = [(Speaker::User, " "), (Speaker::User, "a\nb"), (Speaker::Assistant, "yes")];
    assert_eq!(said, expected.map(|(who, text)| (who, text.to_owned())));
    assert_eq!(first_user_text(&items).as_deref(), Some("a\nb"));
    assert_eq!(first_user_text("[]"), None);
    assert_eq!(said_in("no JSON"), []);
}

#[test]
fn what_begins_with_a_file_alone_is_named_by_it() {
    let file = |name: &str| json!({"type": "input_image", "image_url": "data:,", "filename": name});
    let user = |parts: Value| json!({"role": "user", "content": parts});
    let words = |items: Value| first_user_words(&items.to_string());

    assert_eq!(words(json!([user(json!([file(" "), file("a.png")]))])).as_deref(), Some("a.png"));
    let text = json!({"type": "input_text", "text": "Why?"});
    assert_eq!(words(json!([user(json!([file("a.png"), text]))])).as_deref(), Some("Why?"));
    assert_eq!(words(json!([user(json!("")), user(json!([{"type": "input_image"}]))])), None);
    assert_eq!(words(json!([{"role": "assistant", "content": [file("a.png")]}])), None);
}
