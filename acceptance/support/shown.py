"""What a page shows of the answer that stands last in it."""

import html
import re
from dataclasses import dataclass

ARTICLE = '<article class="message" data-author="assistant"'
BODY = '<div class="body" dir="auto">'
TAIL = '<span class="tail">'
TOOLS = '<div class="tools">'
RECEIPT = '<details class="receipt"'
THOUGHT = '<div class="thought" dir="auto">'


class Lie(AssertionError):
    """A page shows what is not so."""


@dataclass
class Article:
    """The answer, as HTML."""

    body: str = ""
    tail: str = ""
    thoughts: str = ""
    actions: str = ""
    # Where its events are, how far it is, and whether it ends within code, while it is written.
    live: str = ""
    cursor: str = ""
    in_code: bool = False


def article_of(page, *, cut=False):
    """The last answer of a page; `None` when a page that is cut has none yet."""
    at = page.rfind(ARTICLE)
    if at < 0:
        if cut:
            return None
        raise Lie("a page without the answer")
    text = page[at:].partition("</article>")[0]
    shown = Article()
    head = text.partition(">")[0]
    if live := re.search(r'data-live="([^"]*)"', head):
        shown.live = html.unescape(live[1])
        shown.cursor = re.search(r'data-cursor="([^"]*)"', head)[1]
        shown.in_code = " data-code" in head
    before, begun, body = text.partition(BODY)
    if THOUGHT in before:
        shown.thoughts = html.unescape(before.partition(THOUGHT)[2].partition("</div>")[0])
    body, tools, actions = body.partition(TOOLS)
    shown.actions = tools + actions
    if cut:
        shown.body = body
    elif begun:
        if not body.endswith("</div>"):
            raise Lie(f"a body without an end: …{body[-80:]}")
        shown.body = body.removesuffix("</div>")
    if shown.live:
        before, _, tail = shown.body.partition(TAIL)
        # Of code, what is not sealed stands within it.
        shown.tail, _, behind = tail.rpartition("</span>")
        shown.body = before + behind
    return shown


def without_parts(body):
    """A body that was sent word by word, as its reader sees it: what was put in the place of
    something hides it, and what holds the words of a paragraph together is no part of it."""
    said, at = [], 0
    for part in re.finditer(r'<div class="(part|instead)">', body):
        end = _end_of_div(body, part.end())
        behind = end + len("</div>\n")
        said.append(body[at : part.start()])
        if part[1] == "instead" or not body.startswith('<div class="instead">', behind):
            said.append(body[part.end() : end])
        at = behind
    return "".join([*said, body[at:]])


def _end_of_div(body, at):
    """Where the element ends whose inside begins there; the end of all if it is cut."""
    depth = 1
    for tag in re.compile(r"<div\b|</div>").finditer(body, at):
        depth += 1 if tag[0] == "<div" else -1
        if depth == 0:
            return tag.start()
    return len(body)


def text_of(body):
    """What a person reads of it, without what the page adds."""
    said = body.partition(RECEIPT)[0]
    return html.unescape(re.sub(r"<[^>]*>", "", said))
