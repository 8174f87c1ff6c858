"""Answers whose words are known, and what may be shown of them at any moment."""

import json
import re
import time
from dataclasses import dataclass, field
from itertools import islice

from support.callers import counted
from support.shown import Lie, text_of

# Each with its share.
SCRIPTS = {"numbered": 5, "count": 2, "markdown": 2, "reasoning": 1}
BLOCKS = ["paragraph", "paragraph", "heading", "list", "code", "table", "quote"]
PLAIN = ["{}", "{}", "{}", "{}", "{} é", "{} 🚦"]
MARKS = [*PLAIN, "**{}**", "*{}*", "`{}`", "[{}](https://example.com/x)"]
NUMBER = {"numbered": r"w(\d{4})", "count": r"\bt(\d+) "}


def drawn(chance):
    """An order to the simulator."""
    [script] = chance.choices(list(SCRIPTS), list(SCRIPTS.values()))
    orders = {"ttft_ms": chance.choice([0, 100, 400]), "token_ms": chance.choice([3, 10, 25])}
    orders |= {"jitter": 0.5, "seed": chance.randint(1, 9999)}
    match script:
        case "numbered":
            orders["text"] = numbered(chance, chance.randint(40, 160))
        case "count":
            orders |= {"script": script, "tokens": chance.randint(40, 200)}
        case _:
            orders["script"] = script
    return script, orders


def numbered(chance, words):
    """Markdown of blocks of all kinds, in which each word has its number."""
    numbers = iter(range(words))
    some = lambda most: [f"w{number:04}" for number in islice(numbers, most)]
    blocks = []
    while taken := some(chance.randint(6, 12)):
        marked = [chance.choice(MARKS).format(word) for word in taken]
        match chance.choice(BLOCKS):
            case "paragraph":
                block = " ".join(marked)
            case "heading":
                block = "## " + " ".join(taken)
            case "list":
                block = "\n".join(f"- {word}" for word in marked)
            case "code":
                name = chance.choice(["rust", "python", ""])
                block = f"```{name}\n" + "\n".join(f"{word} = [1];" for word in taken) + "\n```"
            case "table":
                rows = [f"| {word} |" for word in taken[1:]]
                block = "\n".join([f"| {taken[0]} |", "|---|", *rows])
            case "quote":
                block = "> " + " ".join(marked)
        blocks.append(block)
    return "\n\n".join(blocks)


@dataclass
class Answer:
    """One answer, and all that was seen of it."""

    script: str
    # What the model says.
    says: str
    # The page.
    path: str = ""
    # How far any tab has been: pieces of sealed HTML, and bytes of thoughts.
    furthest: tuple = (0, 0)
    # Pages that had less in them than some tab had shown before.
    behind: int = 0
    loaded: int = 0
    # What was wrong for a moment: the end is compared all the same.
    wrong: list = field(default_factory=list)
    events: dict = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def tells(self, what):
        """Notes what a tab had to bear."""
        self.events[what] = self.events.get(what, 0) + 1

    def is_loaded_at(self, cursor):
        """A page that was sent while the answer is written."""
        self.loaded += 1
        self.behind += _place(cursor) < self.furthest

    def is_at(self, cursor):
        self.furthest = max(self.furthest, _place(cursor))

    def is_shown(self, body, *, sealed):
        """What stands on a page at this moment must be the beginning of what is said."""
        text = text_of(body)
        if kind := NUMBER.get(self.script):
            # A word at the end may be incomplete.
            seen = [int(number) for number in re.findall(kind, text)]
            if seen != list(range(len(seen))):
                at = _first_wrong(seen)
                around = ", ".join(map(str, seen[max(0, at - 3) : at + 6]))
                self.wrong.append(f"words lost, doubled or exchanged: …, {around}, …")
        elif sealed and not _letters(self.says).startswith(_letters(text)):
            self.wrong.append(f"it shows what was not said: …{text[-80:]!r}")

    def is_taken_away(self, body):
        """The page begins anew. Only an answer that does has a reason to."""
        if text := text_of(body):
            self.wrong.append(f"what stood there was taken away: …{text[-40:]!r}")

    def must_be(self, body):
        """What a page shows of an answer that is over."""
        text = text_of(body)
        if self.script == "count" and text.strip() != self.says.strip():
            raise Lie(f"another text: …{text[-80:]!r}")
        signs = "a-z0-9" if self.script == "numbered" else "a-z"
        if _letters(text, signs) != _letters(self.says, signs):
            raise Lie(f"another text: …{text[-80:]!r}")


def _place(cursor):
    take, pieces, thoughts = map(int, cursor.split("."))
    if take:
        raise Lie("no worker has died, and an answer has begun anew")
    return pieces, thoughts


def _first_wrong(numbers):
    return next(number for number, seen in enumerate(numbers) if number != seen)


def _letters(text, signs="a-z"):
    """Letters of a text; addresses behind links are not shown, nor are the numbers of lists."""
    return re.sub(rf"[^{signs}]", "", re.sub(r"\]\([^)]*\)", "", text.lower()))


async def says(http, simulator, orders):
    """What the simulator says to this order."""
    if "text" in orders:
        return orders["text"]
    if orders["script"] == "count":
        return counted(orders["tokens"])
    quick = {**orders, "ttft_ms": 0, "token_ms": 0}
    body = {"model": "simulator", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"x-simulator": json.dumps(quick)}
    answer = await http.post(f"{simulator.url}/v1/chat/completions", json=body, headers=headers)
    return answer.raise_for_status().json()["choices"][0]["message"]["content"]
