//! The turns of a conversation, as the gateway lists them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::Object;
use crate::conversation::{Answer, Asked, Options, Thumb, Turn, TurnsPage};
use crate::files;
use crate::ids::ResponseId;
use crate::parameters::Told;
use crate::preset::Preset;

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<Entry<'a>>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Entry<'a> {
    id: ResponseId,
    #[serde(default)]
    after: Option<ResponseId>,
    #[serde(default)]
    siblings: Vec<ResponseId>,
    #[serde(default)]
    feedback: Option<Feedback>,
    #[serde(borrow, default)]
    input: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<Object<'a>>,
}

#[derive(Deserialize)]
struct Feedback {
    rating: Thumb,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    #[serde(borrow)]
    Parts(Vec<Part<'a>>),
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// A page of turns; `None` when it is none.
pub(super) fn read(body: &[u8]) -> Option<TurnsPage> {
    let list: List<'_> = serde_json::from_slice(body).ok()?;
    let turns = list.data.into_iter().map(Entry::turn).collect();
    Some(TurnsPage { turns, has_more: list.has_more })
}

impl Entry<'_> {
    fn turn(self) -> Turn {
        let asked = Asked {
            text: self
                .input
                .iter()
                .filter_map(|item| user_text(item.get()))
                .collect::<Vec<_>>()
                .join("\n\n"),
            files: files::attached(&files::parts(self.input.iter().copied())),
            items: without_ids(&self.input),
        };
        let siblings = if self.siblings.is_empty() { vec![self.id.clone()] } else { self.siblings };
        Turn {
            asked,
            options: self.response.as_ref().map(options).unwrap_or_default(),
            answer: match &self.response {
                None => Answer::Gone,
                Some(response) if response.has_ended() => Answer::Ended(response.said()),
                Some(_) => Answer::Running,
            },
            thumb: self.feedback.map(|feedback| feedback.rating),
            id: self.id,
            after: self.after,
            siblings,
        }
    }
}

/// The items to be asked again: an id is that of one turn alone.
fn without_ids(items: &[&RawValue]) -> String {
    let items = items.iter().filter_map(|item| {
        let mut members: BTreeMap<&str, &RawValue> = serde_json::from_str(item.get()).ok()?;
        members.remove("id");
        Some(members)
    });
    // JSON that was read before: this cannot fail.
    serde_json::to_string(&items.collect::<Vec<_>>()).unwrap_or_default()
}

/// What a person wrote in this item, if a person did.
fn user_text(item: &str) -> Option<String> {
    let item: Item<'_> = serde_json::from_str(item).ok()?;
    if item.role != "user" {
        return None;
    }
    match item.content? {
        Content::Text(text) => Some(text.into_owned()),
        Content::Parts(parts) => {
            let texts: Vec<_> = parts.into_iter().filter_map(|part| part.text).collect();
            Some(texts.join("\n\n"))
        }
    }
}

fn options(response: &Object<'_>) -> Options {
    #[derive(Deserialize, Default)]
    struct Metadata {
        #[serde(default)]
        preset: String,
    }
    let metadata =
        response.metadata.and_then(|json| serde_json::from_str::<Metadata>(json.get()).ok());
    let instructions = response.instructions.and_then(|json| serde_json::from_str(json.get()).ok());
    let preset = Preset::from_field(&metadata.unwrap_or_default().preset);
    let Object { temperature, max_output_tokens, reasoning, .. } = *response;
    let told = Told { temperature, max_output_tokens, reasoning };
    Options {
        model: response.model.as_ref().to_owned(),
        preset,
        parameters: told.besides(preset),
        instructions: instructions.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::said::{Ending, Said};

    #[test]
    fn a_page_of_turns_is_read() {
        let page = read(
            br#"{"object":"list","has_more":true,"data":[
            {"object":"conversation.turn","id":"resp_1","after":null,"siblings":["resp_1","resp_9"],
             "input":[{"id":"msg_1","type":"message","role":"user","content":[{"type":"input_text","text":"Why?"}]}],
             "response":{"status":"completed","model":"m","instructions":"Be brief.","metadata":{"preset":"creative"},
               "output":[{"type":"message","content":[{"type":"output_text","text":"So."}]}]}},
            {"id":"resp_2","after":"resp_1","siblings":[],"input":[{"role":"user","content":"And?"}],"response":null},
            {"id":"resp_3","after":"resp_2","input":[],"response":{"status":"queued","model":"m","output":[]}}]}"#,
        )
        .unwrap();

        assert!(page.has_more);
        let [first, second, third] = &page.turns[..] else { panic!("{page:?}") };
        assert_eq!((first.asked.text.as_str(), first.siblings.len()), ("Why?", 2));
        let options = Options {
            parameters: Parameters::default(),
            model: "m".into(),
            preset: Preset::Creative,
            instructions: "Be brief.".into(),
        };
        assert_eq!(first.options, options);
        let said = [Said::Text("So.".into()), Said::End(Ending::Complete)];
        assert_eq!(first.answer, Answer::Ended(said.into()));
        assert!(first.asked.items.starts_with("[{\"content\":"), "{}", first.asked.items);
        assert!(!first.asked.items.contains("msg_1"), "{}", first.asked.items);
        assert_eq!((second.asked.text.as_str(), &second.answer), ("And?", &Answer::Gone));
        assert_eq!(second.siblings, std::slice::from_ref(&second.id));
        assert_eq!(third.answer, Answer::Running);
        assert!(read(b"{}").is_none());
    }
}
