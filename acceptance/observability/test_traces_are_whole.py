"""Under load each request that somebody waits for is one tree of spans, over all processes it went
through; most of all those that failed."""

import asyncio
import itertools
import random
from collections import Counter, defaultdict
from dataclasses import dataclass

import pytest

from support.orders import ordered
from support.readers import RESPONSES
from support.raw import CHAT
from support.signals import Registry
from support.system import CATALOGUE
from support.traces import broken, by_trace

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

FAULTY = """
[[models]]
name = "faulty"
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
name = "simulator"
"""
CALLERS = 24
# Each of these is a request's way through the system.
GATEWAY = {("gateway", "server")}
WORKER = {("gateway", "producer"), ("llm-worker", "consumer"), ("llm-worker", "client")}
# Of so many one may be missing; of fewer, none.
ONE_OF = 10_000


@dataclass(frozen=True)
class Asked:
    """A request, what it must come to, and what its trace owes."""

    kind: str
    path: str
    body: dict
    status: int
    owed: set


def asked(kind, number):
    """The request of a kind. Its words are its own, so that none is answered for another."""
    messages = [{"role": "user", "content": f"Hello {number}"}]
    chat = {"model": "simulator", "messages": messages}
    quick = ordered("count", tokens=4, ttft_ms=0, token_ms=0)
    faulty = {**chat, "model": "faulty"}
    fault = lambda **fault: {**faulty, "stream": "cut_after" in fault, **ordered(fault=fault)}
    everything = GATEWAY | WORKER
    match kind:
        case "stream":
            return Asked(kind, CHAT, {**chat, "stream": True, **quick}, 200, everything)
        case "whole":
            return Asked(kind, CHAT, {**chat, **quick}, 200, everything)
        case "embeddings":
            body = {"model": "simulator-embeddings", "input": "Hello", **ordered(ttft_ms=0)}
            return Asked(kind, "/v1/embeddings", body, 200, everything)
        case "stored":
            body = {"model": "simulator", "input": f"Hello {number}", **quick}
            return Asked(kind, RESPONSES, body, 200, everything)
        case "stored-stream":
            body = {"model": "simulator", "input": f"Hello {number}", "stream": True, **quick}
            return Asked(kind, RESPONSES, body, 200, everything)
        case "refused-by-model":
            return Asked(kind, CHAT, fault(status=400), 400, everything)
        case "breaks-off":
            # It may also be refused: a model that failed often is left alone for a while.
            return Asked(kind, CHAT, fault(cut_after=2), 0, everything)
        case "model-fails":
            return Asked(kind, CHAT, fault(status=500), 0, everything)
        case "unknown-model":
            return Asked(kind, CHAT, {**chat, "model": f"model-{number}"}, 404, GATEWAY)
        case "bad-request":
            return Asked(kind, CHAT, {**chat, "messages": []}, 400, GATEWAY)


# Each with its share.
GOOD = {"stream": 6, "whole": 6, "embeddings": 2, "stored": 1, "stored-stream": 1}
BAD = {"refused-by-model": 1, "breaks-off": 1, "model-fails": 1, "unknown-model": 1, "bad-request": 1}


@pytest.mark.parametrize(
    "number", [2_000, pytest.param(12_000, marks=[pytest.mark.long, pytest.mark.timeout(400)])]
)
async def test_each_request_is_one_tree_and_says_what_is_registered(
    started, collector, http, tells, number
):
    system = await started(
        gateways=2, workers=2, catalogue=CATALOGUE + FAULTY, variables=collector.variables
    )
    seen = await asks(system, http, number)
    # What is told last is told at the end.
    await system.stop()

    traces = by_trace(collector.spans())
    wrong = defaultdict(list)
    for trace, request in seen.items():
        why = broken(traces.get(trace, []), request.owed)
        if why:
            wrong[request.kind].append(f"{trace}: {why}")
    kinds = Counter(request.kind for request in seen.values())
    of_these = sum(len(traces.get(trace, [])) for trace in seen)
    tells(f"{len(seen)} requests, {of_these} spans: {dict(kinds)}")
    dropped = [line for one in system.services for line in lost(one.said())]
    assert not dropped, "\n".join(dropped)
    report = {kind: some[:3] for kind, some in wrong.items()}
    assert not any(wrong[kind] for kind in BAD), report
    assert sum(map(len, wrong.values())) <= len(seen) // ONE_OF, report
    # Behind the shape, what the spans are called and what they say.
    wrong = Registry.read().wrong_spans(collector.spans())
    assert not wrong, "\n" + "\n".join(wrong)


async def asks(system, http, number):
    """Has so many requests answered; gives the request of each trace."""
    shares = {**GOOD, **BAD}
    kinds = random.Random(7).choices(list(shares), list(shares.values()), k=number)
    requests = [asked(kind, at) for at, kind in enumerate(kinds)]
    todo, seen = iter(enumerate(requests)), {}
    turns = itertools.cycle(system.gateways)

    async def calls():
        for _at, request in todo:
            async with http.stream("POST", f"{next(turns).url}{request.path}", json=request.body) as answer:
                await answer.aread()
            good = request.status or answer.status_code
            assert answer.status_code == good, f"{request.kind}: {answer.status_code} {answer.text}"
            seen[answer.headers["x-trace-id"]] = request

    await asyncio.gather(*(calls() for _caller in range(CALLERS)))
    assert len(seen) == number, "each request has a trace of its own"
    return seen


def lost(log):
    """What an exporter says of spans that it could not keep."""
    return [line for line in log.splitlines() if "ropp" in line and "pentelemetry" in line]
