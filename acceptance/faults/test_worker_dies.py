"""A worker is killed, or held up: another one answers, or the caller is told."""

import asyncio
import signal
import time

import httpx2
import openai
import pytest

from support.callers import Request, ask, counted
from support.orders import ordered
from support.process import until
from support.system import journal

pytestmark = pytest.mark.anyio

# The queue gives a job to another worker after this time without a word.
ACK_WAIT_S = 5
# For the new worker's claim and its model.
MARGIN_S = 2


async def on_one_worker(system, *asked):
    """Begins to ask while the first worker is alone, so that it has everything in hand; then
    the second one comes."""
    asking = [asyncio.create_task(one) for one in asked]
    await journal(system.simulator, started=len(asked), wait_ms=20_000)
    first, second = system.workers
    await second.start_again()
    return first, asking


async def test_killed_before_the_first_token_another_one_answers(started, http, measured):
    system = await started(workers=2, idle=[1])
    # The first model call of each never says a word; the second one answers.
    stream = {"stall_before_first_token": True, "times": 1, "key": "stream"}
    unary = {"stall_after": 0, "times": 1, "key": "unary"}
    worker, asking = await on_one_worker(
        system,
        ask(http, system.url, Request("stream", tokens=50, fault=stream)),
        ask(http, system.url, Request("unary", tokens=50, fault=unary)),
        ask(http, system.url, Request("embeddings", fault={**unary, "key": "embeddings"})),
    )

    killed_at = time.monotonic()
    await worker.kill()
    outcomes = await asyncio.gather(*asking)

    assert {outcome.end for outcome in outcomes} == {"whole"}, ends(outcomes)
    last = max(outcome.ended for outcome in outcomes) - killed_at
    measured("from the kill to the last answer's end", last)
    assert last < ACK_WAIT_S + MARGIN_S
    await worker.start_again()
    await system.at_rest()


async def test_killed_in_the_middle_the_caller_is_told(started, http, measured):
    system = await started(workers=2, idle=[1])
    request = Request(tokens=10_000, token_ms=20)
    said = []
    worker, asking = await on_one_worker(
        system, ask(http, system.url, request), ask_with_the_sdk(system.url, said)
    )
    await until("both speak", lambda: all_speak(system, 2))

    killed_at = time.monotonic()
    await worker.kill()
    outcome, error = await asyncio.gather(*asking)

    assert (outcome.end, outcome.why) == ("failed", "worker_lost"), outcome
    assert outcome.text, "it had begun"
    measured("from the kill to the error", outcome.ended - killed_at)
    assert outcome.ended - killed_at < ACK_WAIT_S + MARGIN_S
    assert isinstance(error, openai.APIError) and error.code == "worker_lost"
    assert said and counted(10_000).startswith("".join(said))
    await worker.start_again()
    await system.at_rest()


async def ask_with_the_sdk(url, said):
    """Gives what the official SDK raises."""
    http = httpx2.AsyncClient(trust_env=False, timeout=60)
    async with openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="unused", max_retries=0, http_client=http
    ) as sdk:
        with pytest.raises(openai.APIError) as raised:
            async for chunk in await sdk.chat.completions.create(
                model="simulator",
                messages=[{"role": "user", "content": "Hello"}],
                stream=True,
                extra_body=ordered("count", tokens=10_000, token_ms=20),
            ):
                said.append(chunk.choices[0].delta.content or "")
        return raised.value


async def test_held_up_before_the_first_token_and_awake_again_it_changes_nothing(started, http):
    system = await started(workers=2)
    # So many that some jobs come to the sleeping worker a second time and then to the other one:
    # what it finds when it wakes is out of date, and the other one speaks.
    callers = 40
    # All have to begin before the first of them speaks.
    request = Request(tokens=120, ttft_ms=4_000, token_ms=50)
    asking = [asyncio.create_task(ask(http, system.url, request)) for _caller in range(callers)]
    await journal(system.simulator, started=callers, wait_ms=20_000)
    held_up, other = system.workers

    held_up.signal(signal.SIGSTOP)
    assert await other.figure("app_jobs_inflight") < callers, "the queue shares jobs"
    await asyncio.sleep(2 * ACK_WAIT_S + MARGIN_S)
    held_up.signal(signal.SIGCONT)
    outcomes = await asyncio.gather(*asking)

    assert {outcome.end for outcome in outcomes} == {"whole"}, ends(outcomes)
    await system.at_rest()
    # It is as good as new.
    await ask_each_worker(system, http)


async def test_held_up_in_the_middle_for_short_nothing_is_lost(started, http):
    system = await started()
    request = Request(tokens=150, token_ms=20)
    asking = [asyncio.create_task(ask(http, system.url, request)) for _caller in range(8)]
    await until("all speak", lambda: all_speak(system, 8))

    system.workers[0].signal(signal.SIGSTOP)
    await asyncio.sleep(2)
    system.workers[0].signal(signal.SIGCONT)

    outcomes = await asyncio.gather(*asking)
    assert {outcome.end for outcome in outcomes} == {"whole"}, ends(outcomes)
    await system.at_rest()


async def test_held_up_in_the_middle_for_long_the_caller_is_told_once(started, http):
    system = await started(workers=2)
    request = Request(tokens=10_000, token_ms=20)
    asking = [asyncio.create_task(ask(http, system.url, request)) for _caller in range(8)]
    await until("all speak", lambda: all_speak(system, 8))
    held_up, other = system.workers
    mine = int(await held_up.figure("app_jobs_inflight"))
    assert mine > 0, "the queue shares jobs between workers"

    held_up.signal(signal.SIGSTOP)
    async def all_are_told():
        return sum(task.done() for task in asking) >= mine

    await until("its callers are told", all_are_told, ACK_WAIT_S + MARGIN_S)
    held_up.signal(signal.SIGCONT)
    await ask_each_worker(system, http)

    outcomes = [task.result() for task in asking if task.done()]
    assert len(outcomes) == mine, "the other worker's callers notice nothing"
    assert {(one.end, one.why) for one in outcomes} == {("failed", "worker_lost")}, ends(outcomes)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await system.at_rest()


async def all_speak(system, number):
    return (await journal(system.simulator))["running_in"]["stream"] == number


async def ask_each_worker(system, http):
    """Until each worker has answered something: all of them take jobs."""
    before = [await completed(worker) for worker in system.workers]

    async def each_has():
        outcome = await ask(http, system.url, Request())
        assert outcome.end == "whole", outcome
        now = [await completed(worker) for worker in system.workers]
        return all(later > earlier for earlier, later in zip(before, now, strict=True))

    await until("each worker answers", each_has)


async def completed(worker):
    name = "messaging_process_duration_seconds_count"
    return await worker.figure(name, app_outcome="completed")


def ends(outcomes):
    return "\n".join(str(outcome) for outcome in outcomes)
