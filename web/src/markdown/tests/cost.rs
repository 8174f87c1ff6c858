//! What a token costs: as much in a long answer as in a short one.

use std::time::Duration;

use tokio::time::Instant;

use crate::markdown::Renderer;

/// An answer as models write them, over and over.
const SECTION: &str = "## Reading a file\n\nA file is *opened*, **read** and closed; see \
    [the manual](https://example.com/open). It costs $O(n)$, for $n$ bytes, and `read` says how \
    many there were.\n\n1. Open it.\n2. Read it, and check:\n   - what `errno` is,\n   - whether the \
    end was reached.\n3. Close it.\n\n```rust\nlet mut text = String::new();\nFile::open(\"a\")?\
    .read_to_string(&mut text)?;\n// Closed where it is dropped.\n```\n\n| call | what it does |\n\
    |---|---|\n| `open` | finds it |\n| `read` | brings what is in it |\n\n$$\nt = \\frac{n}{v} + t_0\n$$\n\n\
    > What is not read is not paid for.\n\n";
/// A token of English text has about as many.
const BYTES_PER_TOKEN: usize = 4;

/// How many tokens are measured at once.
const TOKENS: usize = 1_000;

/// An answer that is being written.
struct Answer {
    renderer: Renderer,
    tokens: std::iter::Cycle<std::slice::Chunks<'static, u8>>,
}

impl Answer {
    /// One of which so much was said.
    fn of(tokens: usize) -> Self {
        let chunks = SECTION.as_bytes().chunks(BYTES_PER_TOKEN).cycle();
        let mut answer = Self { renderer: Renderer::default(), tokens: chunks };
        for token in answer.tokens.by_ref().take(tokens) {
            answer.renderer.push(std::str::from_utf8(token).unwrap());
        }
        answer.renderer.take();
        answer
    }

    /// What the next tokens take, each shown as it comes.
    fn more(&mut self) -> Duration {
        let started = Instant::now();
        let mut shown = 0;
        for token in self.tokens.by_ref().take(TOKENS) {
            self.renderer.push(std::str::from_utf8(token).unwrap());
            shown += self.renderer.take().len() + self.renderer.tail().len();
        }
        assert!(shown > 0);
        started.elapsed()
    }
}

/// What a token takes at the beginning of an answer and after 50,000. Both are looked at in turn, so
/// that others disturb them alike, and the middle one of several counts.
fn measured(times: usize) -> (Duration, Duration) {
    let mut long = Answer::of(50_000);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for _ in 0..times {
        first.push(Answer::of(0).more());
        last.push(long.more());
    }
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2] / u32::try_from(TOKENS).unwrap()
    };
    (middle(first), middle(last))
}

#[test]
fn a_token_costs_as_much_after_fifty_thousand_as_after_none() {
    let (first, last) = measured(9);

    println!("a token takes {first:?} among the first 1,000 and {last:?} after 50,000");
    assert!(last < 2 * first, "{last:?} after 50,000, {first:?} at the beginning");
}
