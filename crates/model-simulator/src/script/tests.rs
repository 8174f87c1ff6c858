//! What is said to what.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::*;

fn choice(body: &Value) -> Choice {
    let body = body.to_string();
    let request = ChatRequest::read(body.as_bytes(), &HeaderMap::new()).unwrap();
    choices(&request, seed(&request), || "echo".to_owned()).remove(0)
}

fn text(body: &Value) -> String {
    let Choice { said: Said::Pieces(pieces), .. } = choice(body) else { panic!("counted") };
    let text = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        _ => None,
    });
    text.collect()
}

fn ask(prompt: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": prompt}]})
}

#[test]
fn it_says_what_it_is_and_what_it_read() {
    let answer = text(&ask("Where is Lille?"));

    assert!(answer.contains("simulator") && answer.contains("> Where is Lille?"), "{answer}");
    assert_eq!(answer, text(&ask("Where is Lille?")), "the same words for the same request");
}

#[test]
fn a_later_turn_knows_the_first() {
    let mut body = ask("Where is Lille?");
    let more = [
        ("assistant", "There."),
        ("user", "And Lyon?"),
        ("assistant", "Here."),
        ("user", "Toulon?"),
    ];
    for (role, content) in more {
        body["messages"].as_array_mut().unwrap().push(json!({"role": role, "content": content}));
    }

    assert!(text(&body).contains("This is turn 3; you first asked “Where is Lille?”"));
}

#[test]
fn code_and_tables_appear_when_they_are_asked_for() {
    assert!(text(&ask("Write a Python function")).contains("```python"));
    assert!(text(&ask("Show me a table, please")).contains("|---|"));
    assert!(text(&ask("simulator: markdown")).starts_with("# "));
}

#[test]
fn the_text_ends_before_a_stop_sequence_and_at_the_limit() {
    let mut body = ask("simulator: {\"text\": \"one two three four\"}");
    body["stop"] = json!(["four", "three"]);
    assert_eq!(text(&body), "one two ");

    body["stop"] = json!(null);
    body["max_tokens"] = json!(3);
    assert_eq!(text(&body), "one two three ");
    assert_eq!(choice(&body).finish, Finish::Length);
}

#[test]
fn an_ordered_number_of_tokens_is_kept() {
    for tokens in [1, 5, 40, 500] {
        let order = json!({"script": "text", "tokens": tokens});
        assert_eq!(choice(&ask(&format!("simulator: {order}"))).tokens(), tokens, "{tokens}");
    }
}

#[test]
fn an_answer_goes_on_exactly_where_its_prefix_ends() {
    for order in [json!({"script": "markdown"}), json!({"script": "count", "tokens": 9}), json!({})]
    {
        let mut body = ask(&format!("simulator: {order}\nHello"));
        let whole = match choice(&body).said {
            Said::Counted(tokens) => counted(tokens),
            Said::Pieces(_) => text(&body),
        };
        let prefix = &whole[..7];
        let last = json!({"role": "assistant", "content": prefix, "prefix": true});
        body["messages"].as_array_mut().unwrap().push(last);

        assert_eq!(format!("{prefix}{}", text(&body)), whole);
    }
}

#[test]
fn functions_are_called_when_a_call_is_wanted_and_only_then() {
    let calls = |prompt: &str, tool_choice: Value| {
        let mut body = ask(prompt);
        body["tools"] = json!([
            {"type": "function", "function": {"name": "get_time"}},
            {"type": "function", "function": {"name": "get_weather"}},
        ]);
        body["tool_choice"] = tool_choice;
        let Choice { said: Said::Pieces(pieces), .. } = choice(&body) else { panic!("counted") };
        let names = pieces.into_iter().filter_map(|piece| match piece {
            Piece::CallStart { name, .. } => Some(name),
            _ => None,
        });
        names.collect::<Vec<_>>()
    };
    let named = json!({"type": "function", "function": {"name": "get_weather"}});

    for (prompt, tool_choice, expected) in [
        ("Good day", json!("auto"), vec![]),
        ("Please call something", json!("auto"), vec!["get_time"]),
        ("Use get_weather", json!(null), vec!["get_weather"]),
        ("get_weather and get_time", json!(null), vec!["get_time", "get_weather"]),
        ("Please call something", json!("none"), vec![]),
        ("Good day", json!("required"), vec!["get_time"]),
        ("Good day", named, vec!["get_weather"]),
        ("simulator: tool_call", json!("auto"), vec!["get_time"]),
        ("simulator: text\ncall it", json!("required"), vec![]),
    ] {
        assert_eq!(calls(prompt, tool_choice), expected, "{prompt}");
    }
}
