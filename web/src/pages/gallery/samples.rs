//! What is made up: a conversation, and everything that can be said in one.

use crate::conversation::{Answer, Asked, Line, Listed, Options, Turn};
use crate::files::{Attached, What};
use crate::gateway_client::Models;
use crate::ids::ResponseId;
use crate::parameters::Parameters;
use crate::preset::Preset;
use crate::receipt::Receipt;
use crate::said::{Ending, Said, Why};

/// The conversation that all of it is in.
pub(super) const CONVERSATION: &str = "conv_gallery";
pub(super) const MODEL: &str = "a-model-with-a-long-name-70b-instruct";

/// Everything that Markdown can become.
const MARKDOWN: &str = include_str!("sample.md");

const PARAGRAPH: &str = "The arms of the telegraph were painted black, because black is seen \
    farthest against the sky. A message from Paris to Lille took nine minutes";

pub(super) fn options() -> Options {
    Options { model: MODEL.to_owned(), ..Options::default() }
}

pub(super) fn models() -> Models {
    Models::Listed(vec![MODEL.to_owned(), "small".to_owned()])
}

/// Some chats, the open one first.
pub(super) fn history() -> Option<Listed> {
    let titles = [
        Some("How far one could see"),
        Some("ما هو التلغراف؟"),
        Some("averyveryverylongwordthatnobodycanbreakandthatgoesonandonandon"),
        None,
    ];
    let ids = [CONVERSATION, "conv_gallery2", "conv_gallery3", "conv_gallery4"];
    let lines = ids.into_iter().zip(titles).map(|(id, title)| {
        Some(Line {
            id: id.parse().ok()?,
            created_at: 1_800_000_000,
            title: title.map(str::to_owned),
        })
    });
    Some(Listed { data: lines.collect::<Option<_>>()?, ..Listed::default() })
}

/// The open chat.
pub(super) fn line() -> Option<Line> {
    history()?.data.into_iter().next()
}

fn id(number: usize) -> Option<ResponseId> {
    format!("resp_gallery{number}").parse().ok()
}

/// One turn of the conversation, of as many versions.
pub(super) fn turn(number: usize, versions: usize, question: &str, answer: Answer) -> Option<Turn> {
    let others = (1..versions).map(|version| id(number * 100 + version));
    Some(Turn {
        id: id(number)?,
        after: number.checked_sub(1).and_then(id),
        siblings: others.chain([id(number)]).collect::<Option<_>>()?,
        asked: Asked { text: question.to_owned(), files: Vec::new(), items: "[]".to_owned() },
        options: options(),
        answer,
        thumb: None,
    })
}

/// Every answer that is over, and what it is an example of.
pub(super) fn ended() -> Vec<(&'static str, Vec<Said>)> {
    let text = |text: &str| Said::Text(text.to_owned());
    let failed = |code: &str| {
        let message = Some("upstream gave up".to_owned());
        Said::End(Ending::Failed { code: Some(code.to_owned()), message })
    };
    let end = |ending| vec![text(PARAGRAPH), Said::End(ending)];
    vec![
        (
            "Everything that Markdown can become, with thoughts and what it took",
            vec![
                Said::Reasoning("First I look at the map.\nThen I count the towers.".to_owned()),
                text(MARKDOWN),
                Said::Receipt(Box::new(receipt())),
                Said::End(Ending::Complete),
            ],
        ),
        (
            "Tools",
            vec![
                text("I look it up."),
                Said::Tool("towers_between".to_owned()),
                Said::Arguments("{\"from\":\"Paris\",\"to\":\"Lille\",\"year\":1794}".to_owned()),
                Said::Tool("no_arguments".to_owned()),
                Said::End(Ending::Complete),
            ],
        ),
        ("Cut at its longest length", end(Ending::Length)),
        ("Stopped", end(Ending::Stopped)),
        ("Filtered", end(Ending::Filtered)),
        (
            "Declined",
            vec![Said::Refusal("I would rather not.".to_owned()), Said::End(Ending::Complete)],
        ),
        ("Without a word", vec![Said::End(Ending::Complete)]),
        ("Longer than is shown", end(Ending::TooLong)),
        ("Failed in the middle", vec![text(PARAGRAPH), failed("worker_lost")]),
        ("Failed before its first word", vec![failed("upstream_timeout")]),
        ("Failed with a code that has no words", vec![failed("another")]),
        ("Not to be read: gone", vec![Said::End(Ending::Lost(Why::Gone))]),
        ("Not to be read: deleted", end(Ending::Lost(Why::Deleted))),
        ("Not to be read: the key", vec![Said::End(Ending::Lost(Why::Key))]),
        ("Not to be read: the gateway", end(Ending::Lost(Why::Gateway))),
    ]
}

/// Files in every form but that of an image, which would have to be somewhere.
pub(super) fn files() -> Vec<Attached> {
    let long = "towers_and_how_far_one_sees_from_each_of_them_on_a_clear_day.csv";
    let beginning = "tower,km\nMontmartre,11\nÉcouen,19\n".repeat(20);
    [
        (long, What::Text { bytes: 300_000, beginning }),
        ("", What::Elsewhere("https://example.com/a/tower.png".to_owned())),
        ("tower.tiff", What::Unshown),
    ]
    .map(|(name, what)| Attached { name: name.to_owned(), what })
    .into()
}

/// An answer of which nothing is to be said.
pub(super) fn whole() -> Vec<Said> {
    vec![Said::Text(format!("{PARAGRAPH}.")), Said::End(Ending::Complete)]
}

/// What is said in an answer that is being written.
pub(super) fn half() -> Vec<Said> {
    vec![
        Said::Begun,
        Said::Reasoning("How long did it take?".to_owned()),
        Said::Text(format!("{PARAGRAPH}.\n\nA **clerk** at each tower wrote down what was se")),
    ]
}

/// The same, in the middle of code.
pub(super) fn half_of_code() -> Vec<Said> {
    vec![
        Said::Begun,
        Said::Text("So it was sent:\n\n```rust\nfn send(sign: Sign) {\n    arms.set(si".to_owned()),
    ]
}

/// Another worker has begun the answer anew.
pub(super) fn anew() -> (Vec<Said>, Vec<Said>) {
    let again = vec![Said::Text("A message took **nine** minutes".to_owned())];
    (half(), [Said::CutShort].into_iter().chain(again).collect())
}

/// What an answer took.
pub(super) fn receipt() -> Receipt {
    Receipt {
        model: Some(MODEL.to_owned()),
        upstream: Some("first".to_owned()),
        attempt: Some(2.0),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        queue_wait_ms: Some(420.0),
        model_first_token_ms: Some(310.0),
        time_to_first_token_ms: Some(790.0),
        duration_ms: Some(4_210.0),
        input_tokens: Some(1_240.0),
        output_tokens: Some(186.0),
        tokens_per_second: Some(54.4),
    }
}

/// What is known of an answer that came whole from somewhere that tells little.
pub(super) fn short_receipt() -> Receipt {
    Receipt { duration_ms: Some(95.0), ..Receipt::default() }
}

/// What is written and not sent.
pub(super) const DRAFT: &str = "And at night?\nWere there lamps on the arms?";

/// How a model may be told to answer.
pub(super) fn other_options() -> Options {
    Options {
        model: "small".to_owned(),
        preset: Preset::Creative,
        parameters: Parameters { temperature: Some(1.2), ..Parameters::default() },
        instructions: "Answer in one sentence.".to_owned(),
    }
}
