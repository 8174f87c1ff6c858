//! What a model says, one chunk a line: the events that come of it are whole, whatever it was.

use openai_api::completion::{as_chunk, of_chunk};
use openai_api::responses::{About, End, Projection};

use super::{assert_json, assert_one_line_of_json};

const REQUEST: &str = r#"{"model":"m","input":"Hello"}"#;

pub(super) fn run(said: &[u8]) {
    let about = About { id: "resp_1", seed: "seed", created_at: 7, model: "m", request: REQUEST };
    let Ok(mut projection) = Projection::new(&about) else { panic!("a sound request") };
    let mut events = Vec::new();
    projection.accepted(&mut events);
    projection.started(false, &mut events);
    for chunk in said.split(|byte| *byte == b'\n') {
        // A worker was lost here, and another one begins anew or goes on.
        match chunk {
            b"!" => projection.started(false, &mut events),
            b"+" => projection.started(true, &mut events),
            chunk => projection.chunk(chunk, &mut events),
        }
        if let Some(chunk) = as_chunk(chunk) {
            assert_json(&chunk, "a chunk of a whole answer");
        }
        if let Some(whole) = of_chunk(chunk) {
            assert_json(&whole, "a whole answer of a chunk");
        }
    }
    projection.ended(&End::Completed, 9, &mut events);
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event.sequence_number, place as u64, "numbers have no gaps");
        assert_one_line_of_json(&event.json, event.name);
    }
    assert!(projection.status().is_terminal(), "an end is an end");
    assert_one_line_of_json(&projection.response(), "a response");
    assert_one_line_of_json(projection.output_items().as_bytes(), "items");
}
