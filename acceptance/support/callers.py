"""Callers who know what they must get, and say what became of each request."""

import asyncio
import json
import time
from dataclasses import dataclass, field

import httpx2

from support.browsers import Browser
from support.orders import ordered, prompt_line
from support.shown import text_of
from support.tabs import ScriptedTab

# Whoever waits longer than this for an end takes the request for hung: longer than each limit that
# the services set themselves, which are shorter than twenty seconds.
HUNG_AFTER_S = 60


def counted(tokens):
    """What the simulator's script `count` says."""
    return "".join(f"t{number} " for number in range(tokens))


@dataclass
class Request:
    """What is asked, and how its caller behaves."""

    # stream, unary, embeddings, or page: a question on the chat page, read by its script.
    form: str = "stream"
    tokens: int = 16
    ttft_ms: int = 0
    token_ms: int = 0
    fault: dict | None = None
    # Leaves after so many tokens; after so many seconds where there are none to count.
    leaves_after: int | None = None
    leaves_after_s: float | None = None
    # Waits so long before each piece is read.
    reads_after_s: float = 0
    model: str = "simulator"


@dataclass
class Outcome:
    """How it ended.

    whole    everything, in order, once
    refused  an error status with an OpenAI error body
    failed   an error event, after which nothing came
    proxy    the proxy's own error: nobody behind it answered
    cut      the connection ended before the answer
    left     its caller left
    hung     no end within the limit
    wrong    a lie: tokens lost, doubled or changed, an end without an end, an end after an error
    """

    request: Request
    end: str = "hung"
    why: str = ""
    text: str = ""
    served_by: str = ""
    began: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    ended: float = 0
    longest_gap_s: float = 0

    @property
    def took_s(self):
        return self.ended - self.began

    def closes(self, end, why=""):
        self.end, self.why = end, why
        self.ended = time.monotonic()
        return self

    def __str__(self):
        request = {name: at for name, at in vars(self.request).items() if at not in (None, 0, {})}
        said = f"…{self.text[-40:]!r}" if self.text else "nothing said"
        by = f" by {self.served_by}" if self.served_by else ""
        return f"{self.end}{by} after {self.took_s:.1f} s: {self.why}; {said}; {request}"


def client():
    """For any number of callers; nobody's proxy is in the way."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    timeout = httpx2.Timeout(HUNG_AFTER_S, pool=None)
    return httpx2.AsyncClient(limits=limits, timeout=timeout, trust_env=False)


async def knows(http, url, key=None):
    """Waits until the gateways know a key, the caller's or this one. Behind one address each of them
    is asked in its turn, and each hears of a new key a moment later."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    deadline, in_a_row = time.monotonic() + 20, 0
    while in_a_row < 6:
        answer = await http.get(f"{url}/v1/models", headers=headers)
        in_a_row = in_a_row + 1 if answer.status_code == 200 else 0
        assert time.monotonic() < deadline, f"a key is not known: {answer.text}"
        await asyncio.sleep(0.05)


async def ask(http, url, request):
    """Asks, reads to the end or leaves, and tells."""
    outcome = Outcome(request)
    limit = request.leaves_after_s
    try:
        async with asyncio.timeout(HUNG_AFTER_S if limit is None else limit):
            return await _ask(http, url, request, outcome)
    except TimeoutError:
        return outcome.closes("hung" if limit is None else "left")
    except httpx2.TimeoutException as error:
        return outcome.closes("hung", repr(error))
    except httpx2.TransportError as error:
        return _prefix_or_lie(outcome.closes("cut", repr(error)))


async def _ask(http, url, request, outcome):
    if request.form == "page":
        return await _ask_on_the_page(http, url, request, outcome)
    path, content = _asked(request)
    async with http.stream("POST", f"{url}{path}", **content) as answer:
        outcome.served_by = answer.headers.get("x-served-by", "")
        if answer.status_code != 200:
            return _refused(outcome, answer, await answer.aread())
        if request.form in ("unary", "embeddings"):
            return _whole(outcome, await answer.aread())
        return await _read_events(outcome, answer)


def _orders(request):
    pace = {"ttft_ms": request.ttft_ms, "token_ms": request.token_ms, "jitter": 0}
    orders = {"script": "count", "tokens": request.tokens, **pace}
    return orders | {"fault": request.fault} if request.fault else orders


class _Path:
    """Where an answer on the page is. A tab tells what befalls it: here that is nobody's business."""

    def __init__(self, path):
        self.path = path

    def __getattr__(self, _name):
        return lambda *_args, **_kwargs: None


async def _ask_on_the_page(http, url, request, outcome):
    """Asks as a browser does. What breaks on the way is mended by it, so only the end is told."""
    browser = Browser(http, url)
    path = await browser.asks(prompt_line(**_orders(request)))
    tab = ScriptedTab(http, browser, _Path(path))
    await tab.loads()
    outcome.first_at = time.monotonic()
    await tab.follows()
    # What the page says of how it ended is not the model's.
    outcome.text = text_of(tab.body.partition('<p class="note">')[0])
    if outcome.text.split() != counted(request.tokens).split():
        return outcome.closes("failed" if tab.how == "failed" else "wrong", "page")
    return outcome.closes("whole")


def _asked(request):
    orders = _orders(request)
    if request.form == "embeddings":
        del orders["script"], orders["tokens"]
        body = {"model": "simulator-embeddings", "input": "Hello", **ordered(**orders)}
        return "/v1/embeddings", {"json": body}
    messages = [{"role": "user", "content": "Hello"}]
    stream = request.form == "stream"
    body = {"model": request.model, "messages": messages, "stream": stream, **ordered(**orders)}
    return "/v1/chat/completions", {"json": body}


def _refused(outcome, answer, body):
    try:
        error = json.loads(body)["error"]
        return outcome.closes("refused", f"{answer.status_code} {error['code'] or error['type']}")
    except (ValueError, KeyError, TypeError):
        pass
    if answer.status_code in (502, 503, 504) and b"<html>" in body:
        return outcome.closes("proxy", str(answer.status_code))
    return outcome.closes("wrong", f"{answer.status_code} without an OpenAI error: {body[:200]}")


def _whole(outcome, body):
    try:
        answer = json.loads(body)
        if outcome.request.form == "embeddings":
            good = len(answer["data"][0]["embedding"]) == 64
        else:
            outcome.text = answer["choices"][0]["message"]["content"]
            good = outcome.text == counted(outcome.request.tokens)
    except (ValueError, KeyError, IndexError) as error:
        return outcome.closes("wrong", f"200 with {error!r}: {body[:200]}")
    return outcome.closes("whole") if good else outcome.closes("wrong", "another text")


async def _read_events(outcome, answer):
    request = outcome.request
    last_at, pending, end = time.monotonic(), b"", None
    async for piece in answer.aiter_bytes():
        now = time.monotonic()
        outcome.first_at = outcome.first_at or now
        outcome.longest_gap_s = max(outcome.longest_gap_s, now - last_at)
        *events, pending = (pending + piece).split(b"\n\n")
        for event in events:
            if not event.startswith(b"data: "):
                continue
            if end:
                return outcome.closes("wrong", f"after the end ({end}) came {event[:200]}")
            end = _chat_event(outcome, event.removeprefix(b"data: "))
        if request.leaves_after is not None and outcome.text.count(" ") >= request.leaves_after:
            return _prefix_or_lie(outcome.closes("left"))
        if request.reads_after_s:
            await asyncio.sleep(request.reads_after_s)
        last_at = time.monotonic()
    if end == "whole" and outcome.text != counted(request.tokens):
        return outcome.closes("wrong", "an end, and not the whole text")
    if end is None:
        return outcome.closes("wrong", "it ended without an end mark or an error")
    return _prefix_or_lie(outcome.closes(*end.split(" ", 1)))


def _chat_event(outcome, data):
    """Notes an event, and gives the end that it tells, if it tells one."""
    if data == b"[DONE]":
        return "whole"
    event = json.loads(data)
    if "error" in event:
        return f"failed {event['error']['code'] or event['error']['type']}"
    outcome.text += "".join(one["delta"].get("content") or "" for one in event["choices"])
    return None


def _prefix_or_lie(outcome):
    if counted(outcome.request.tokens).startswith(outcome.text):
        return outcome
    return outcome.closes("wrong", f"{outcome.end}, and tokens are lost, doubled or changed")
