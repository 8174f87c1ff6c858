"""What callers say, and what they are told, is nowhere in what the services tell about themselves: not
in spans, metrics, logs, subjects and headers on NATS, nor on the pages and lists of operators.

`crates/launcher/tests/system/one_trace.rs` has the same of a prompt from the chat page, and
`acceptance/sdk-python/test_passthrough.py` of keys on their way to a model. Here is everything else
that a request may hold."""

import base64
import json
import secrets

import httpx2
import pytest

from support.callers import knows
from support.collector import SIGNALS
from support.orders import ordered, prompt_line
from support.raw import CHAT
from support.readers import RESPONSES
from support.system import EAVESDROPPER
from support.wire import Wire

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

FAULTY = """
[[models]]
name = "{name}"
capabilities = ["chat"]
[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"
name = "simulator"
"""
CATALOGUE = FAULTY.format(name="simulator") + FAULTY.format(name="faulty")
# Each is a word of its own, as short as a model says at once.
PLACES = [
    "prompt", "answer", "system", "participant", "user", "safety_identifier", "metadata_name",
    "metadata", "tool", "tool_about", "parameter", "argument", "tool_result", "file", "file_data",
    "image", "stop", "schema", "instructions", "item", "title", "comment", "page", "model_error", "cookie",
    "idempotency_key", "unknown_member", "unknown_model", "path", "query", "user_agent", "owner",
    "garbage", "wrong_type", "response_id",
]


@pytest.fixture
def canaries():
    return {place: f"w{secrets.token_hex(5)}" for place in PLACES}


@pytest.mark.parametrize(
    "keys", [pytest.param(False, id="open", marks=pytest.mark.long), pytest.param(True, id="with-keys")]
)
async def test_nothing_that_was_said_is_told(started, collector, http, tells, canaries, keys):
    system = await started(
        gateways=2,
        workers=1,
        webs=1,
        catalogue=CATALOGUE,
        # Nothing is said even to those who want to know everything.
        variables={**collector.variables, "LOG_FILTER": "trace"},
        keys=keys,
        overheard=True,
    )
    headers = {}
    if keys:
        key = system.makes_key("canary", "--operator", "--on-behalf-of")
        for gateway in system.gateways:
            await knows(http, gateway.url, key)
        # Its id may be told, and is.
        canaries["key"] = key.rpartition("-")[2]
        headers = {"authorization": f"Bearer {key}"}
    async with Wire(system.nats_url, EAVESDROPPER) as wire:
        await wire.listens()
        said = await everything_is_said(system, http, wire, canaries, headers)
        await wire.settles()
        heard = [f"{one.subject} {one.reply} {one.headers}" for one in wire.heard]
    # What is not there could not be told: the model had all of it.
    echoed = [place for place in ECHOED if canaries[place] in said]
    assert echoed == ECHOED
    places = {"subjects and headers on NATS": "\n".join(heard).encode()}
    places |= await pages(system, http, headers)
    await system.stop()
    for signal in SIGNALS:
        places[f"exported {signal}"] = b"".join(collector.bodies(signal))
    for process in [*system.services, *system.nats_servers]:
        places[f"log of {process.name}"] = process.said().encode()

    size = sum(map(len, places.values())) >> 10
    tells(f"{len(canaries)} words looked for in {size} KiB of {len(places)} places")
    assert [found for found in tell_tales(places, canaries) if not permitted(*found)] == []
    # Where nothing at all was told, nothing was looked for.
    assert [place for place, text in places.items() if not text] == []


def tell_tales(places, canaries):
    for place, text in places.items():
        lower = text.lower()
        for what, canary in canaries.items():
            spelt = [canary.encode(), *(as_base64(canary, shift) for shift in range(3))]
            if any(one in text for one in spelt) or canary.lower().encode() in lower:
                at = text.find(spelt[0])
                yield what, place, text[max(0, at - 120) : at + 60]


def as_base64(canary, shift):
    """What is the same wherever in something encoded it stands."""
    encoded = base64.b64encode(b"x" * shift + canary.encode())
    return encoded[(shift * 8 + 5) // 6 : len(encoded) - 4]


def permitted(what, place, _around):
    """Records on NATS are kept under their owners' names."""
    return what == "owner" and place == "subjects and headers on NATS"


# What a model is given of a request, and gives back.
ECHOED = ["prompt", "system", "participant", "user", "metadata", "tool", "file", "schema", "unknown_member"]


async def everything_is_said(system, http, wire, said, headers):
    """Gives what the callers were told."""
    first, second = system.gateways
    told = []

    async def asks(gateway, path, body, **more):
        answer = await http.post(f"{gateway.url}{path}", json=body, headers={**headers, **more})
        told.append(answer.text)
        return answer

    if headers:
        headers["chappe-on-behalf-of"] = said["owner"]
    headers["user-agent"] = said["user_agent"]
    # Not the whole word: what the prompt asks for is not yet an answer.
    answer = ordered("text", text=f"The {said['answer']} answers.", ttft_ms=0, token_ms=0)
    echo = ordered("echo", ttft_ms=0, token_ms=0)
    for stream in (False, True):
        for orders in (answer, echo):
            await asks(first, CHAT, {**chat(said), "stream": stream, **orders})
            await asks(second, RESPONSES, {**response(said), "stream": stream, **orders})
    await asks(first, CHAT, {**chat(said), **echo}, **{"idempotency-key": said["idempotency_key"]})
    called = ordered("tool_call", ttft_ms=0, token_ms=0)
    await asks(first, CHAT, {**chat(said), "stream": True, **called})
    for status in (400, 500):
        # Model servers quote what they do not understand.
        fault = ordered(fault={"status": status, "message": f"What is {said['model_error']}?"})
        await asks(second, CHAT, {**chat(said), "model": "faulty", **fault})
        await asks(second, RESPONSES, {**response(said), "model": "faulty", **fault})
    await converses(first, asks, said)
    # What is wrong about requests.
    await asks(first, CHAT, {**chat(said), "model": said["unknown_model"]})
    await asks(first, CHAT, {**chat(said), "messages": said["wrong_type"]})
    await asks(first, RESPONSES, {**response(said), "tools": said["wrong_type"]})
    await asks(first, RESPONSES, {**response(said), "previous_response_id": said["response_id"]})
    for path in (said["path"], f"responses/{said['response_id']}", f"models?q={said['query']}"):
        await http.get(f"{first.url}/v1/{path}", headers=headers)
    # And jobs that are none, of which the reason is kept.
    await wire.says("job.chat.default.local.one", said["garbage"].encode())
    wrong = json.dumps({"id": said["wrong_type"], "model": said["wrong_type"], "lane": said["garbage"]})
    for lane in ("chat", "live", "background"):
        await wire.says(f"job.{lane}.default.local.two", wrong.encode())
    await asks_on_the_page(system, http, said)
    await system.at_rest()
    return "\n".join(told)


async def converses(gateway, asks, said):
    item = {"type": "message", "role": "user", "content": said["item"]}
    made = await asks(gateway, "/v1/conversations", {"metadata": {"title": said["title"]}, "items": [item]})
    id = made.json()["id"]
    turn = await asks(gateway, RESPONSES, {**response(said), "conversation": id})
    assert turn.status_code == 200
    thumb = f"/v1/conversations/{id}/turns/{turn.json()['id']}/feedback"
    rated = await asks(gateway, thumb, {"rating": "down", "comment": said["comment"]})
    assert rated.status_code == 200
    background = {**response(said), "background": True}
    assert (await asks(gateway, RESPONSES, background)).status_code == 200


async def asks_on_the_page(system, http, said):
    prompt = prompt_line(script="echo", ttft_ms=0, token_ms=0) + said["page"]
    form = {"model": "simulator", "preset": "accurate", "prompt": prompt}
    headers = {
        "sec-fetch-site": "same-origin",
        "cookie": f"chappe={said['cookie']}",
        "user-agent": said["user_agent"],
    }
    taken = await http.post(f"{system.web_url}/chat", data=form, headers=headers)
    session = taken.headers["set-cookie"].partition(";")[0]
    cookies = {**headers, "cookie": f"{session}; {headers['cookie']}"}
    answer = await http.get(f"{system.web_url}{taken.headers['location']}", headers=cookies)
    assert said["page"] in answer.text
    found = await http.get(f"{system.web_url}/chats", params={"find": said["page"]}, headers=cookies)
    assert found.status_code == 200


def chat(said):
    function = {
        "name": said["tool"],
        "description": said["tool_about"],
        "parameters": {"type": "object", "properties": {said["parameter"]: {"type": "string"}}},
    }
    call = {"name": said["tool"], "arguments": json.dumps({said["parameter"]: said["argument"]})}
    content = [
        {"type": "text", "text": said["prompt"]},
        {"type": "file", "file": {"filename": said["file"], "file_data": said["file_data"]}},
        {"type": "image_url", "image_url": {"url": f"https://example.invalid/{said['image']}"}},
    ]
    return {
        "model": "simulator",
        "messages": [
            {"role": "system", "content": said["system"]},
            {"role": "user", "name": said["participant"], "content": content},
            {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": "call_1", "content": said["tool_result"]},
            {"role": "user", "content": said["prompt"]},
        ],
        "user": said["user"],
        "safety_identifier": said["safety_identifier"],
        "metadata": {said["metadata_name"]: said["metadata"]},
        "tools": [{"type": "function", "function": function}],
        # A line break is escaped where the body is given back, so this does not end the answer.
        "stop": [f"\n{said['stop']}"],
        "response_format": {"type": "json_schema", "json_schema": {"name": said["schema"], "schema": {}}},
        "vendor": said["unknown_member"],
    }


def response(said):
    function = {
        "type": "function",
        "name": said["tool"],
        "description": said["tool_about"],
        "parameters": {"type": "object", "properties": {said["parameter"]: {"type": "string"}}},
    }
    return {
        "model": "simulator",
        "instructions": said["instructions"],
        "input": said["prompt"],
        "user": said["user"],
        "metadata": {said["metadata_name"]: said["metadata"]},
        "tools": [function],
    }


async def the_page(url, key):
    """What a visitor sees there, signed in where that has to be."""
    async with httpx2.AsyncClient(timeout=20, trust_env=False, follow_redirects=True) as visitor:
        if key:
            form = {"key": key["authorization"].removeprefix("Bearer ")}
            headers = {"sec-fetch-site": "same-origin"}
            await visitor.post(f"{url}/operate/sign-in", data=form, headers=headers)
        answer = await visitor.get(f"{url}/operate")
    assert answer.status_code == 200 and "Accepted" in answer.text, answer.text
    return answer.content


async def pages(system, http, headers):
    """What operators are shown."""
    key = {name: value for name, value in headers.items() if name == "authorization"}
    found = {}
    for gateway in system.gateways:
        for path in ("/v1/admin/overview", "/v1/admin/dead_letters"):
            answer = await http.get(f"{gateway.url}{path}", headers=key)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            found[f"{path} of {gateway.name}"] = answer.content
    found["/operate"] = await the_page(system.web_url, key)
    for service in system.services:
        answer = await http.get(f"{service.health}/metrics")
        found[f"/metrics of {service.name}"] = answer.content
    return found
