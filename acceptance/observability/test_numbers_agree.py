"""What callers have counted is what everybody else says: the receipts under their answers, /metrics of
all processes, the overview of the operator API on each gateway, and the page that shows it.

Counts and tokens are equal. The time to the first token, half of the answers being faster, lies in the
same bucket of its histogram or in the one beside it."""

import asyncio
import bisect
import json
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from support.callers import Request, ask
from support.orders import ordered
from support.process import until
from support.raw import CHAT, sse_events
from support.readers import RESPONSES
from support.system import CATALOGUE

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

FAULTY = """
[[models]]
name = "faulty"
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
name = "simulator"
"""
# How many of each are asked.
WANTED = {
    "whole": 60,
    "stream": 80,
    "embeddings": 20,
    "stored": 20,
    "stored-stream": 20,
    "background": 10,
    "background-stream": 10,
    "refused-by-model": 12,
    "leaves": 8,
    "unknown-model": 9,
    "bad-request": 7,
}
# Which of them become jobs, and what becomes of those for their gateway.
OUTCOMES = {
    "completed": ["whole", "stream", "embeddings", "stored", "stored-stream", "background-stream"],
    "failed": ["refused-by-model"],
    "client_gone": ["leaves"],
    # Its caller has a promise, and asks later.
    "handed_over": ["background"],
}
# Long enough that a busy machine adds little to it.
TTFT_MS = 150
# As in crates/telemetry/src/names/buckets.rs.
BUCKETS_S = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
]
CALLERS = 12
RECEIPT = {"x-chappe-receipt": "true"}


@dataclass
class Account:
    """What the callers have counted themselves."""

    kinds: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    read: int = 0
    written: int = 0
    first_tokens_s: list = field(default_factory=list)
    # Of each answer that was told: its kind, what its usage says, what its receipt says, and how long
    # its caller waited in all.
    told: list = field(default_factory=list)

    def of(self, outcome):
        return sum(self.kinds[kind] for kind in OUTCOMES[outcome])

    @property
    def accepted(self):
        return sum(map(self.of, OUTCOMES))

    def takes(self, kind, answer, took_s):
        usage = answer.get("usage") or {}
        read = usage.get("prompt_tokens", usage.get("input_tokens", 0))
        written = usage.get("completion_tokens", usage.get("output_tokens", 0))
        self.read += read
        self.written += written
        self.told.append((kind, (read, written), answer.get("chappe"), took_s))


async def test_everybody_counts_alike(started, http, tells):
    system = await started(gateways=2, workers=2, webs=1, catalogue=CATALOGUE + FAULTY)
    account = await asks(system, http)
    await system.at_rest()
    tells(f"{account.accepted} jobs of {sum(WANTED.values())} requests, {account.written} tokens")

    await the_metrics_agree(system, account)
    agreed = [await the_overview_agrees(http, gateway, account) for gateway in system.gateways]
    await the_page_agrees(http, system, account)
    the_receipts_agree(account)
    p50_s = statistics.median(account.first_tokens_s)
    histogram_s = await histogram_p50(system)
    overview_s = [one["time_to_first_token_seconds"]["p50"] for one in agreed]
    tells(f"first token p50: callers {p50_s:.3f}, /metrics {histogram_s:.3f}, overview {overview_s}")
    for other in (histogram_s, *overview_s):
        assert near(p50_s, other), other


async def asks(system, http):
    kinds = [kind for kind, number in WANTED.items() for _one in range(number)]
    random.Random(3).shuffle(kinds)
    account, todo = Account(), iter(enumerate(kinds))

    async def calls():
        for number, kind in todo:
            await asks_one(http, system.gateways[number % 2], kind, account)

    await asyncio.gather(*(calls() for _caller in range(CALLERS)))
    assert account.kinds == WANTED
    return account


async def asks_one(http, gateway, kind, account):
    messages = [{"role": "user", "content": "How many are we?"}]
    # Those that are streamed alone have a time to the first token, which is compared.
    pace = {"tokens": 12, "ttft_ms": TTFT_MS, "token_ms": 2, "jitter": 0}
    chat = {"model": "simulator", "messages": messages, **ordered("count", **pace)}
    stored = {"model": "simulator", "input": "How many are we?", **ordered("count", **pace)}
    began = time.monotonic()
    took = lambda: time.monotonic() - began

    async def posts(path, body, status=200):
        answer = await http.post(f"{gateway.url}{path}", json=body)
        account.statuses[path, answer.status_code] += 1
        assert answer.status_code == status, answer.text
        return answer

    account.kinds[kind] += 1
    match kind:
        case "whole":
            account.takes(kind, (await posts(CHAT, chat)).json(), took())
        case "stream":
            body = {**chat, "stream": True, "stream_options": {"include_usage": True}}
            text, first_s = await streams(http, gateway, CHAT, body, account, RECEIPT)
            *chunks, done = sse_events(text)
            assert done == "[DONE]"
            said = {}
            for chunk in map(json.loads, chunks):
                said |= {name: chunk[name] for name in ("usage", "chappe") if chunk.get(name)}
            account.first_tokens_s.append(first_s)
            account.takes(kind, said, took())
        case "embeddings":
            body = {"model": "simulator-embeddings", "input": "How many are we?"}
            account.takes(kind, (await posts("/v1/embeddings", body)).json(), took())
        case "stored":
            account.takes(kind, (await posts(RESPONSES, stored)).json(), took())
        case "stored-stream" | "background-stream":
            body = {**stored, "stream": True, "background": kind == "background-stream"}
            text, first_s = await streams(http, gateway, RESPONSES, body, account)
            last = json.loads(sse_events(text)[-1])
            assert last["type"] == "response.completed", last
            account.first_tokens_s.append(first_s)
            account.takes(kind, last["response"], took())
        case "background":
            id = (await posts(RESPONSES, {**stored, "background": True})).json()["id"]

            async def ended():
                response = (await http.get(f"{gateway.url}{RESPONSES}/{id}")).json()
                return response if response["status"] == "completed" else None

            account.takes(kind, await until("it has ended", ended), took())
        case "refused-by-model":
            body = {**chat, "model": "faulty", **ordered(fault={"status": 400})}
            await posts(CHAT, body, 400)
        case "leaves":
            outcome = await ask(http, gateway.url, Request(tokens=1_000, token_ms=20, leaves_after=2))
            assert outcome.end == "left", outcome
            account.statuses[CHAT, 200] += 1
        case "unknown-model":
            await posts(CHAT, {**chat, "model": "nobody-has-this"}, 404)
        case "bad-request":
            await posts(CHAT, {**chat, "messages": []}, 400)


async def streams(http, gateway, path, body, account, headers=None):
    """The whole text, and when the first word came."""
    began, first_s, text = time.monotonic(), None, ""
    async with http.stream("POST", f"{gateway.url}{path}", json=body, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        account.statuses[path, 200] += 1
        async for piece in answer.aiter_text():
            text += piece
            if first_s is None and '"t0 "' in text:
                first_s = time.monotonic() - began
    return text, first_s


async def the_metrics_agree(system, account):
    async def total(services, name, **labels):
        return sum([await service.figure(name, **labels) for service in services])

    gateways, workers = system.gateways, system.workers
    assert await total(gateways, "app_jobs_accepted_total") == account.accepted
    settled = {
        outcome: await total(gateways, "app_jobs_settled_total", app_outcome=outcome)
        for outcome in OUTCOMES
    }
    assert settled == {outcome: account.of(outcome) for outcome in OUTCOMES}
    assert await total(gateways, "app_jobs_settled_total") == account.accepted
    # Nobody's is no zero.
    told = [name for gateway in gateways for name, _value in await gateway.figures()]
    assert any(name.startswith("app_jobs_open") for name in told)
    assert await total(gateways, "app_jobs_open") == 0
    for (path, status), number in account.statuses.items():
        labels = {"http_route": path, "http_response_status_code": str(status)}
        labels["http_request_method"] = "POST"
        counted = await total(gateways, "http_server_request_duration_seconds_count", **labels)
        assert counted == number, labels
    streamed = "app_http_stream_duration_seconds_count"
    for path, kinds in ((CHAT, ["stream"]), (RESPONSES, ["stored-stream", "background-stream"])):
        labels = {"http_route": path, "app_outcome": "completed"}
        counted = await total(gateways, streamed, **labels)
        assert counted == sum(account.kinds[kind] for kind in kinds), labels
    assert await total(gateways, streamed, app_outcome="client_gone") == account.kinds["leaves"]
    for kind, number in (("input", account.read), ("output", account.written)):
        assert await total(workers, "app_tokens_total", gen_ai_token_type=kind) == number, kind


async def the_overview_agrees(http, gateway, account):
    """Gives what it says of the model that streamed."""
    seen = {}

    async def everything_is_there():
        answer = await http.get(f"{gateway.url}/v1/admin/overview")
        overview = seen["overview"] = answer.raise_for_status().json()
        accepted = (overview["answers"]["accepted"], drawn(overview))
        return min(accepted) >= account.accepted

    # Gateways tell each other now and then, and what is drawn has steps of ten seconds.
    await until(f"{gateway.name} knows of all jobs", everything_is_there, 30)
    overview, answers = seen["overview"], seen["overview"]["answers"]
    assert overview["incomplete"] == []
    assert len(overview["gateways"]) == 2 and len(overview["workers"]) == 2
    assert answers["accepted"] == account.accepted
    for outcome in ("completed", "failed", "client_gone"):
        assert answers[outcome] == account.of(outcome), outcome
    ended = [answers.get(how, 0) for how in (*OUTCOMES, "not_queued", "cancelled", "open")]
    assert sum(ended) == answers["accepted"], answers
    # Of work in the background that nobody reads a gateway hears nothing more.
    later = [usage for kind, usage, _receipt, _took in account.told if kind == "background"]
    for name, total, unheard in (
        ("input_tokens", account.read, sum(read for read, _written in later)),
        ("output_tokens", account.written, sum(written for _read, written in later)),
    ):
        assert answers[name] in (total, total - unheard), name
    models = {one["model"]: one for one in overview["models"]}
    assert models["faulty"]["failed"] == models["faulty"]["requests"] == account.kinds["refused-by-model"]
    heard = (*OUTCOMES["completed"], *OUTCOMES["client_gone"])
    asked = sum(account.kinds[kind] for kind in heard if kind != "embeddings")
    assert models["simulator"]["requests"] in (asked, asked + account.kinds["background"])
    assert models["simulator-embeddings"]["requests"] == account.kinds["embeddings"]
    assert drawn(overview) == account.accepted
    return models["simulator"]


def drawn(overview):
    return sum(point["accepted"] for point in overview["history"]["points"])


async def the_page_agrees(http, system, account):
    page = await http.get(f"{system.web_url}/operate")
    assert page.status_code == 200, page.text
    facts = Facts.of(page.text)
    assert facts["Accepted"] == account.accepted
    assert facts["Completed"] == account.of("completed")
    assert facts["Failed"] == account.of("failed")
    assert facts["Left by their callers"] == account.of("client_gone")
    later = sum(usage[1] for kind, usage, _receipt, _took in account.told if kind == "background")
    assert facts["Tokens said"] in (account.written, account.written - later)


class Facts(HTMLParser):
    """The numbers of a page: each `dt` with its `dd`. Of two with one name the last counts."""

    @classmethod
    def of(cls, page):
        facts = cls()
        facts.feed(page)
        numbers = {}
        for name, value in facts.pairs:
            digits = value.strip().replace(",", "")
            if digits.isdigit():
                numbers[name.strip()] = int(digits)
        return numbers

    def __init__(self):
        super().__init__()
        self.pairs, self._in, self._name = [], "", ""

    def handle_starttag(self, tag, _attributes):
        if tag in ("dt", "dd"):
            self._in = tag
            if tag == "dt":
                self._name = ""
            else:
                self.pairs.append((self._name, ""))

    def handle_endtag(self, tag):
        if tag == self._in:
            self._in = ""

    def handle_data(self, data):
        if self._in == "dt":
            self._name += data
        elif self._in == "dd":
            name, value = self.pairs[-1]
            self.pairs[-1] = (name, value + data)


def the_receipts_agree(account):
    assert len(account.told) == account.of("completed") + account.of("handed_over")
    for kind, usage, receipt, took_s in account.told:
        assert receipt, f"{kind}: no receipt"
        read, written = usage
        assert (receipt["input_tokens"] or 0, receipt["output_tokens"] or 0) == (read, written), kind
        assert receipt["model"] == ("simulator-embeddings" if kind == "embeddings" else "simulator")
        assert receipt["upstream"] and receipt["attempt"] == 1, receipt
        assert 0 <= receipt["queue_wait_ms"], receipt
        # The edge's own time is within that of its caller. Of stored work both ends are as its log
        # has them, in whole milliseconds.
        assert receipt["duration_ms"] <= took_s * 1_000 + 5, (kind, took_s, receipt)
        if kind.endswith("stream"):
            model, edge = receipt["model_first_token_ms"], receipt["time_to_first_token_ms"]
            assert TTFT_MS - 1 <= model <= edge + 2 <= receipt["duration_ms"] + 2, (kind, receipt)


async def histogram_p50(system):
    """Of what all gateways say: in the middle of its bucket, as far as is known."""
    name, totals = "gen_ai_server_time_to_first_token_seconds_bucket", Counter()
    for gateway in system.gateways:
        for bound in BUCKETS_S:
            # Spelt as a scrape does: 1 and not 1.0.
            totals[bound] += await gateway.figure(name, le=f"{bound:g}", gen_ai_request_model="simulator")
    half = totals[BUCKETS_S[-1]] / 2
    assert half, totals
    at = next(at for at, bound in enumerate(BUCKETS_S) if totals[bound] >= half)
    lower = BUCKETS_S[at - 1] if at else 0
    before = totals[lower] if at else 0
    inside = totals[BUCKETS_S[at]] - before
    return lower + (BUCKETS_S[at] - lower) * (half - before) / inside


def near(one_s, other_s):
    """Whether two times are in one bucket, or in two that touch."""
    return abs(bisect.bisect_left(BUCKETS_S, one_s) - bisect.bisect_left(BUCKETS_S, other_s)) <= 1
