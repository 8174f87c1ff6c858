"""Whoever watches over what tabs show is watched: each lie of a page is called one."""

import json

import pytest

from chaos.answers import Answer
from chaos.episodes import Episode
from chaos.pages import too_little
from support.shown import Lie, article_of, text_of, without_parts
from support.tabs import PlainTab, ScriptedTab

pytestmark = pytest.mark.anyio

ARTICLE = '<article class="message" data-author="assistant"{}>{}</article></li></html>'
BODY = '<div class="body" dir="auto">{}</div>'
LIVE = ' data-live="/live" data-cursor="{}"'
TOOLS = '<div class="tools"></div>'
SAYS = "w0000 w0001\n\nw0002 w0003"
FIRST, SECOND = "<p>w0000 w0001</p>\n", "<p>w0002 w0003</p>\n"
END = {"how": "done", "words": 4, "actions": TOOLS}


def page(body, tail="", cursor="0.0.0"):
    """One of an answer that is being written."""
    inner = BODY.format(f'{body}<span class="tail">{tail}</span>')
    return ARTICLE.format(LIVE.format(cursor), inner)


def page_afterwards(body):
    return ARTICLE.format("", BODY.format(body) + TOOLS)


def event(cursor, **said):
    return f"id: {cursor}\ndata: {json.dumps(said)}\n\n"


class Answered:
    """One response of a server that was told beforehand what it says."""

    def __init__(self, kind, text, status=200):
        self.status_code = status
        self.headers = {"content-type": kind}
        self._bytes = text.encode()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_error):
        return False

    async def aread(self):
        return self._bytes

    async def aiter_bytes(self):
        # Cut where nothing ends.
        for at in range(0, len(self._bytes), 7):
            yield self._bytes[at : at + 7]


class Server:
    """Gives one response after the other, and keeps what it was asked."""

    url = session = ""

    def __init__(self, *responses):
        self.asked = []
        self._responses = iter(responses)

    def stream(self, _method, url, headers):
        self.asked.append((url, headers.get("last-event-id")))
        return next(self._responses)


def html(text):
    return Answered("text/html", text)


def events(*some):
    return Answered("text/event-stream", "retry: 0\n\n" + "".join(some))


def an_answer():
    return Answer("numbered", SAYS, path="/page")


async def shown_by(kind, *responses):
    """A tab that has read to the end, its answer, and its server."""
    answer, server = an_answer(), Server(*responses)
    tab = kind(server, server, answer)
    await tab.loads()
    await tab.follows()
    return tab, answer, server


async def test_pieces_stand_where_they_belong_over_two_connections():
    code = '<div class="code"><pre><code></code></pre></div>\n'
    tab, answer, server = await shown_by(
        ScriptedTab,
        html(page("", "<p>w0000")),
        events(
            event("0.1.0", add=[["block", FIRST]], tail=[0, ""]),
            event("0.3.0", add=[["open", code], ["code", "w0002\n"]], tail=[0, "w00"]),
        ),
        events(
            event("0.3.0", tail=[0, "w0003"]),
            event("0.4.0", add=[["code", "w0003\n"]], tail=[0, ""]),
            event("0.5.0", add=[["close", ""], ["block", "<p>w0004</p>"]], end=END),
        ),
    )

    assert tab.body == FIRST + code.replace("<code>", "<code>w0002\nw0003\n") + "<p>w0004</p>"
    assert (tab.how, tab.actions, answer.wrong) == ("done", TOOLS, [])
    first, again = ("/live?from=0.0.0", None), ("/live?from=0.0.0", "0.3.0")
    assert server.asked == [("/page", None), first, again]


async def test_what_was_the_tail_of_another_connection_is_shown_until_it_is_told_otherwise():
    said = event("0.1.0", add=[["block", FIRST]]), event("0.2.0", add=[["block", SECOND]], end=END)
    _tab, answer, _server = await shown_by(
        ScriptedTab, html(page("", "<p>w0000 w0001")), events(*said)
    )

    assert "doubled" in answer.wrong[0]


@pytest.mark.parametrize("tail", ["w0000 w0000", "w0000 w0002", "w0001"])
async def test_a_word_that_is_lost_or_doubled_for_a_moment_is_noticed(tail):
    said = event("0.0.0", tail=[0, tail]), event("0.0.0", tail=[0, ""], end=END)
    _tab, answer, _server = await shown_by(ScriptedTab, html(page("")), events(*said))

    assert len(answer.wrong) == 1


async def test_what_is_taken_away_is_noticed():
    said = event("0.2.0", anew=True, add=[["block", FIRST + SECOND]], end=END)
    _tab, answer, _server = await shown_by(
        ScriptedTab, html(page(FIRST, cursor="0.1.0")), events(said)
    )

    assert "taken away" in answer.wrong[0]


async def test_a_tail_is_cut_as_a_script_counts():
    said = event("0.0.0", tail=[0, "🚦é w0000"]), event("0.0.0", tail=[4, "w0000 w0001"])
    end = event("0.1.0", add=[["block", FIRST]], end=END)
    tab, answer, _server = await shown_by(ScriptedTab, html(page("")), events(*said), events(end))

    assert (tab.body, answer.wrong) == (FIRST, [])


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ('<div class="part"><p>a</p>\n</div>\n', "<p>a</p>\n"),
        ('<div class="part"><p>a</div>\n<div class="instead"><p>b</p>\n</div>\n', "<p>b</p>\n"),
        ('x<div class="part"><div>c</div>\n</div>\ny', "x<div>c</div>\ny"),
        ('<div class="part"><p>a', "<p>a"),
    ],
)
def test_parts_are_read_as_they_are_seen(sent, seen):
    assert without_parts(sent) == seen


async def test_a_page_without_a_script_must_say_that_it_ends():
    whole = page_afterwards(f'<div class="part">{FIRST}</div>\n{SECOND}')
    tab, answer, _server = await shown_by(PlainTab, html(whole))
    assert (tab.body, answer.wrong) == (FIRST + SECOND, [])

    for cut in (whole.removesuffix("</html>"), whole.replace(TOOLS, "")):
        with pytest.raises(Lie):
            await shown_by(PlainTab, html(cut))


async def test_a_page_that_is_refused_for_good_is_a_lie():
    for kind in (ScriptedTab, PlainTab):
        with pytest.raises(Lie, match="404"):
            await shown_by(kind, Answered("text/html", "", status=404))


@pytest.mark.parametrize(
    "body",
    [FIRST, FIRST + FIRST + SECOND, SECOND + FIRST, FIRST + SECOND + "<p>Interrupted: no.</p>"],
)
def test_another_text_in_the_end_is_a_lie(body):
    an_answer().must_be(FIRST + SECOND + '<details class="receipt">1 s</details>')
    with pytest.raises(Lie):
        an_answer().must_be(body)


@pytest.mark.parametrize("part", ["body", "thoughts", "actions", "how"])
async def test_a_tab_that_differs_from_the_page_afterwards_by_a_byte_is_a_lie(part):
    server = Server(html(page_afterwards(FIRST + SECOND)), html(page_afterwards(FIRST + SECOND)))
    episode = Episode.__new__(Episode)
    episode.answer, episode.browser, episode._http = an_answer(), server, server
    tab = ScriptedTab(server, server, episode.answer)
    tab.body, tab.actions, tab.how = FIRST + SECOND, TOOLS, "done"
    episode._tabs = [tab]
    await episode._compares()

    setattr(tab, part, getattr(tab, part) + " ")
    with pytest.raises(Lie):
        await episode._compares()


async def test_an_answer_that_begins_anew_is_a_lie_where_no_worker_dies():
    with pytest.raises(Lie):
        await shown_by(ScriptedTab, html(page("")), events(event("1.0.0", tail=[0, ""])))


def test_what_is_read_is_what_a_person_reads():
    shown = article_of(page(FIRST, "<b>w&amp;</b>", "0.1.0"))

    assert (shown.body, shown.tail, shown.cursor) == (FIRST, "<b>w&amp;</b>", "0.1.0")
    assert text_of(shown.tail) == "w&"
    with pytest.raises(Lie):
        article_of("<html></html>")


def test_a_run_in_which_too_little_happens_is_not_good():
    enough = {"reload": 20, "reconnect": 20, "put away": 5, "second tab": 5}

    assert too_little(enough, 50, 2) == ""
    assert too_little({**enough, "reload": 0}, 50, 2)
    assert too_little(enough, 50, 1)
