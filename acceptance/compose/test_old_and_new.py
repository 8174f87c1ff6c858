"""This version and the one before it side by side on the same streams, there and back again, as
docs/OPERATIONS.md has it: nobody loses an answer, and each reads what the other has stored."""

import asyncio
import os
import time

import pytest

from support import previous
from support.callers import knows
from support.held import Held
from support.load import Load, counts, mixed, told
from support.operations import commands
from support.readers import asked

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ANSWERS = int(os.environ.get("COMPOSE_ANSWERS", "2000"))
SERVICES = ["gateway", "llm-worker", "web"]
# Members of a response that a version before did not tell.
NEW = ["chappe"]
HERE = "acceptance/compose/test_old_and_new.py"


@pytest.fixture(scope="module")
def before():
    """The version before this one."""
    return previous.find()


def known_to_both(response):
    return {name: value for name, value in response.items() if name not in NEW}


class Kept:
    """What somebody has stored, and has told of it."""

    def __init__(self, http, url):
        self._http = http
        self._site = url
        self._url = f"{url}/v1"

    async def store(self, stack):
        """A conversation with a turn, and a key."""
        self.key = await asyncio.to_thread(stack.made_key, "another")
        self.conversation = (await self._post("conversations", {}))["id"]
        self.responses = []
        await self.goes_on()
        return self

    async def goes_on(self):
        """Another turn, which reads those before it."""
        answer = await self._post("responses", asked(10, conversation=self.conversation))
        assert answer["status"] == "completed", answer
        self.responses.append(answer)
        self.items = await self._get(f"conversations/{self.conversation}/items")

    async def is_read(self):
        """All of it is there, the same, and the key counts."""
        for response in self.responses:
            read = await self._get(f"responses/{response['id']}")
            assert known_to_both(read) == known_to_both(response)
        assert await self._get(f"conversations/{self.conversation}/items") == self.items
        await knows(self._http, self._site, self.key)

    async def _post(self, path, body):
        answer = await self._http.post(f"{self._url}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def _get(self, path):
        answer = await self._http.get(f"{self._url}/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def exchange(stack):
    """The steps of an upgrade, and of a rollback: how long they take."""
    images = {stack.inspect(one)["Image"] for one in stack.containers(*SERVICES)}
    [nats] = stack.containers("nats")
    runs_since = stack.inspect(nats)["State"]["StartedAt"]
    began = time.monotonic()
    steps = commands(f"{HERE}::test_there_and_back_again_nobody_loses_an_answer")
    said = {step: stack.command(step, within_s=600).stderr for step in steps}
    took_s = time.monotonic() - began
    assert said["ci/roll"] == "", f"each has ended in order: {said['ci/roll']}"
    # The others say on it what they do.
    bad = [line for line in "".join(said.values()).splitlines() if '"level":"ERROR"' in line]
    assert bad == []
    assert stack.inspect(nats)["State"]["StartedAt"] == runs_since, "NATS runs on"
    now = {stack.inspect(one)["Image"] for one in stack.containers(*SERVICES)}
    assert len(now) == len(SERVICES) and not now & images, "each of them is another one"
    return took_s


@pytest.mark.timeout(5400)
async def test_there_and_back_again_nobody_loses_an_answer(stack, http, before, measured):
    measured(f"the version before: {before.title}")
    old = stack.seen_by(before.root, CHAPPE_VERSION=before.version)
    url_of = lambda request: stack.web_url if request.form == "page" else stack.url
    of_new = await Kept(http, stack.url).store(stack)
    load = Load(http, url_of, mixed, callers=24)
    held = Held(http, stack.site, callers=3, ignoring=NEW)
    share = ANSWERS // 3
    await load.more(share)

    there_s = await asyncio.to_thread(exchange, old)
    await of_new.is_read()
    await of_new.goes_on()
    of_old = await Kept(http, stack.url).store(old)
    await load.more(share)
    back_s = await asyncio.to_thread(exchange, stack)
    for kept in (of_old, of_new):
        await kept.is_read()
        await kept.goes_on()
        await kept.is_read()

    await load.more(share)
    outcomes = await load.end()
    accepted = await held.end()
    assert len(outcomes) >= ANSWERS
    assert set(counts(outcomes)) == {"whole"}, told(outcomes, "whole")[:4000]
    measured(
        f"{len(outcomes)} answers and {len(accepted)} stored responses, all whole; "
        f"to the version before in {there_s:.1f} s, and back in {back_s:.1f} s"
    )
