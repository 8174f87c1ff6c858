"""One trace crosses every container between a browser and a model."""

import pytest

from support.callers import Request, ask

pytestmark = pytest.mark.anyio

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
# Each the child of the one before. The proxy hands on what it is told of the trace.
WAY = [
    ("web", SERVER, "POST"),
    ("web", CLIENT, "POST"),
    ("gateway", SERVER, "POST /v1/responses"),
    ("gateway", PRODUCER, "publish"),
    ("llm-worker", CONSUMER, "process"),
    ("llm-worker", CLIENT, "chat simulator"),
    ("llm-worker", CLIENT, "POST"),
    ("model-simulator", SERVER, "POST /v1/chat/completions"),
]


def ways(spans):
    """The traces that lead from the page to the model."""
    return [root.trace for root in spans if _leads(root, spans, WAY)]


def _leads(span, spans, way):
    """Whether this span and one below it, and so on, are those of the way."""
    (service, kind, name), *rest = way
    if (span.service, span.kind) != (service, kind) or not span.name.startswith(name):
        return False
    children = [one for one in spans if (one.parent, one.trace) == (span.id, span.trace)]
    return not rest or any(_leads(child, spans, rest) for child in children)


async def test_a_prompt_from_the_chat_page_is_one_trace(stack, http, receiver):
    traces_before = {span.trace for span in receiver.wait_for(lambda spans: spans or [None]) if span}
    outcome = await ask(http, stack.web_url, Request("page"))
    assert outcome.end == "whole", outcome

    new = receiver.wait_for(lambda spans: set(ways(spans)) - traces_before)

    [trace] = new
    ours = receiver.wait_for(lambda spans: [span for span in spans if span.trace == trace])
    assert [span for span in ours if not span.parent and span.service != "web"] == [], "one root"
