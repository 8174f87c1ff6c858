//! Wherever connections are cut, what the events of an answer make of a page is what the page has
//! when it is loaded after the end.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::gateway::{Answering, Cut, Gateway};
use crate::reader::{Reader, Turn};
use crate::screen::{Live, Screen, last_answer};
use crate::support::ChatPage;

/// How often a reader is cut off, in each of the tests.
const TIMES: usize = 50;

/// Words of everything that is shown, and of what looks like it.
const WORDS: &[&str] = &[
    "one ",
    "two ",
    "drei\u{301} ",
    "\u{1f41d} ",
    "*",
    "**",
    "`",
    "```\n",
    "```rust\nfn a() {}\n",
    "    let x = 1;\n",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "# ",
    "---\n",
    "| a | b |\n|---|---|\n| 1 |",
    "[a](https://a.example)",
    "![b](https://b.example/c.png)",
    "<script>",
    "&amp;",
    "\\",
    "~~",
    "$x$ ",
    "\u{202e}",
    "\u{200b}",
    "\r\n",
    "$$\\frac{1}{2}$$ ",
    "\\(",
    "\\]",
    "- [ ] ",
    "[^1]",
    "\t",
    "~~~\n",
];

fn anything(random: &mut StdRng, words: usize) -> String {
    (0..words).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect()
}

/// Says things until it has said enough.
struct Speaker {
    answer: Answering,
    random: StdRng,
    /// How often it still says something.
    left: usize,
}

impl Speaker {
    fn goes_on(&mut self) {
        let Self { answer, random, left } = self;
        let words = random.random_range(1..12);
        match (*left, random.random_range(0..20)) {
            (0, _) => return,
            (1, _) => answer.complete(),
            (_, 0) => answer.think(&anything(random, 3)),
            (201.., 1) => answer.restart(),
            _ => answer.say(&anything(random, words)),
        }
        *left -= 1;
    }
}

/// Reads so many bytes of an answer's events, and is cut off there, even within one.
async fn reads(
    reader: &Reader,
    turn: &Turn,
    screen: &mut Screen,
    mut bytes: usize,
    speaker: &mut Speaker,
) {
    let request = reader.request("GET", &format!("{}?from={}", turn.live(), screen.cursor));
    // As browsers do that come again by themselves: what they have counts, and not the address.
    let request = match speaker.random.random_bool(0.5) {
        true => request.header("last-event-id", &screen.cursor),
        false => request,
    };
    let mut live = Live::of(request.send().await.unwrap());
    while bytes > 0 && screen.how.is_none() {
        match screen.reads_some(bytes, &mut live).await {
            Some(0) => speaker.goes_on(),
            Some(read) => bytes -= read,
            None => return,
        }
    }
}

#[tokio::test]
async fn a_reader_who_is_cut_off_anywhere_ends_with_the_page_as_it_is() {
    for seed in 0..4 {
        let gateway = Gateway::that_waits();
        let mut chat = ChatPage::before(&gateway);
        let reader = chat.another_reader();
        let turn = reader.ask("Go on.").await;
        let answer = gateway.next_answer().await;
        answer.begin();
        let mut speaker = Speaker { answer, random: StdRng::seed_from_u64(seed), left: 400 };

        let mut screen = Screen::default();
        for number in 1..=TIMES {
            let bytes = speaker.random.random_range(0..2000);
            reads(&reader.at(&chat.url), &turn, &mut screen, bytes, &mut speaker).await;
            if number % 10 == 0 {
                // Another process, which knows nothing.
                chat = ChatPage::before(&gateway);
            }
        }
        let reader = reader.at(&chat.url);
        while screen.how.is_none() {
            reads(&reader, &turn, &mut screen, usize::MAX, &mut speaker).await;
        }

        let page = reader.page(&turn.path()).await;
        assert_eq!(screen.over(), last_answer(&page), "seed {seed}");
    }
}

#[tokio::test]
async fn whatever_breaks_between_web_and_gateway_no_reader_loses_a_word() {
    let mut random = StdRng::seed_from_u64(7);
    let gateway = Gateway::that_waits();
    let mut chat = ChatPage::before(&gateway);
    let reader = chat.another_reader();
    let turn = reader.ask("Go on.").await;
    let answer = gateway.next_answer().await;
    answer.begin();

    let mut screen = Screen::default();
    for number in 0..TIMES {
        match random.random_range(0..10) {
            0 => {
                gateway.die().await;
                gateway.come_back();
            }
            1 => gateway.cut(Cut::InWords),
            2 => gateway.cut(Cut::Silently),
            3 => {
                // Another process, which knows nothing.
                chat.close().await;
                chat = ChatPage::before(&gateway);
            }
            _ => gateway.breaks_after([random.random_range(0..2000)]),
        }
        answer.say(&format!("word{number} "));
        if random.random_bool(0.2) {
            answer.say("\n\n");
        }
        let now = reader.at(&chat.url);
        let mut events = now.follow(&turn, &screen.cursor).await;
        screen.reads_until(&format!("word{number}"), &mut events).await;
        assert_eq!(screen.anew, 0, "{number}: {screen:?}");
    }
    answer.complete();

    let reader = reader.at(&chat.url);
    screen.reads(&mut reader.follow(&turn, &screen.cursor.clone()).await).await;
    let page = reader.page(&turn.path()).await;
    assert_eq!(screen.over(), last_answer(&page));
    for number in 0..TIMES {
        let found = page.matches(&format!("word{number}")).count();
        let longer = (0..TIMES).filter(|other| *other >= 10 && other / 10 == number).count();
        assert_eq!(found, 1 + longer, "word{number}: {page}");
    }
}
