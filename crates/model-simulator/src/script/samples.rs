//! The written scripts.

pub(super) const TEXT: &str = "\
In 1794 a message went from Paris to Lille in minutes: arms of wood on towers of stone, each tower \
watching the one before it and repeating what it saw. Claude Chappe had built no faster horse, he \
had built a relay. These words came to you the same way, from hand to hand, and nobody thought of \
them on the way: this is the model simulator speaking.";

pub(super) const MARKDOWN: &str = "\
# A page of markdown

Words may be **bold**, *leaning*, ~~struck~~ or `code`, and may [lead elsewhere](https://example.com).

## Lists

1. First
2. Second
   - with a point
   - and another

## A quotation

> Signals are repeated, not understood.

```rust
fn main() {
    println!(\"from the model simulator\");
}
```

| Tower | Place |
|---|---|
| 1 | Paris |
| 15 | Lille |

---

That was all of it.";

pub(super) const TABLE: &str = "\
| First line of a message | What comes |
|---|---|
| `simulator: text` | a few sentences |
| `simulator: markdown` | a bit of everything |
| `simulator: reasoning` | thoughts, then an answer |
| `simulator: echo` | your request as it arrived |";

pub(super) const LIST: &str = "\
- **code**: say the word, and a block of it appears
- a **table**: the same
- a **script**: begin your message with the line `simulator: markdown`
- several turns: I remember what you asked first, as long as you send it";

const RUST: &str = "\
```rust
/// Repeats what the tower before it shows.
fn relay(signals: impl Iterator<Item = char>) -> String {
    signals.filter(|signal| !signal.is_control()).collect()
}
```";

const PYTHON: &str = "\
```python
def relay(signals):
    \"\"\"Repeats what the tower before it shows.\"\"\"
    return \"\".join(signal for signal in signals if signal.isprintable())
```";

/// Code in the language that the prompt names, else Rust.
pub(super) fn code(prompt: &str) -> &'static str {
    if prompt.to_lowercase().contains("python") { PYTHON } else { RUST }
}

pub(super) const REASONING: &str = "\
The question came from far away. A simulator has nothing to think with, so it pretends: first it \
looks at the words, then it finds no meaning in them, and then it picks the script that was ordered.";

pub(super) const REASONED: &str = "\
After some pretended thought: the answer of the **model simulator** is scripted, and this is it.";

pub(super) const NO_TOOL: &str = "\
A function call was ordered, but the request offers no function that may be called.";

/// Repeated where a text must have a certain length.
pub(super) const FILLER: &str = "the signal passed from tower to tower and ";
