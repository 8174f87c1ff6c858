"""What docs/OPERATIONS.md has somebody type, typed."""

import asyncio
import json
import os
import re
import shutil
import time

import pytest

from support.callers import Request, ask, client, knows
from support.compose import ROOT, Stack
from support.held import Held
from support.operations import PAGE, commands
from support.readers import asked

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(240)]
HERE = "acceptance/compose/test_operations.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A stack that nobody has started yet, with a catalogue that can be changed."""
    models = tmp_path_factory.mktemp("models") / "models.toml"
    shutil.copy(ROOT / "compose" / "models.simulator.toml", models)
    # Read in containers, by somebody else.
    models.parent.chmod(0o755)
    stack = Stack(f"chappe-test-operations-{os.getpid()}", CHAPPE_MODELS_FILE=str(models))
    stack.models = models
    try:
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def started(site):
    start, read = commands(f"{HERE}::test_it_starts_and_tells_its_first_key")
    site.command(start)
    site.first_key = site.command(read).stdout.strip()
    return site


def listed(stack):
    """The keys that there are, by name."""
    said = stack.compose("run", "--rm", "tools", "keys", "list", "--json").stdout
    keys = json.loads(said)
    return {key["name"]: key for key in (keys["data"] if isinstance(keys, dict) else keys)}


async def status(stack, key):
    """What somebody with this key is answered."""
    async with client() as http:
        http.headers["authorization"] = f"Bearer {key}"
        return (await http.get(f"{stack.url}/v1/models")).status_code


async def test_it_starts_and_tells_its_first_key(started):
    assert await status(started, started.first_key) == 200


async def test_keys_are_made_listed_rotated_and_revoked(started, tmp_path):
    # Where the page has a file of this machine, the container has a folder of ours.
    tmp_path.chmod(0o777)
    for parent in (tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    tools = f"docker compose run --rm --volume {tmp_path}:/run/keys tools"
    for command in commands(f"{HERE}::test_keys_are_made_listed_rotated_and_revoked"):
        key = listed(started).get("nightly")
        typed = command.replace("chappe ", f"{tools} ", 1)
        typed = typed.replace(" ID", f" {key['id']}") if " ID" in typed else typed
        started.command(typed)
    after = listed(started)
    assert {"ops", "web", "nightly", "ci"} <= set(after)
    assert await status(started, (tmp_path / "ci.key").read_text().strip()) == 200
    assert after["nightly"]["revoked_at"], after["nightly"]


async def test_what_is_stored_of_a_user_is_erased(started):
    revoke, forget = commands(f"{HERE}::test_what_is_stored_of_a_user_is_erased")
    forget = forget.replace("TENANT", "research").replace("OWNER", "somebody")
    of_user = ["--tenant", "research", "--owner", "somebody"]
    key = started.made_key("somebody", *of_user)
    responses = f"{started.url}/v1/responses"
    async with client() as http:
        for owner in (key, started.first_key):
            http.headers["authorization"] = f"Bearer {owner}"
            await knows(http, started.url)
            made = await http.post(responses, json=asked(5))
            assert made.json()["status"] == "completed", made.text
            if owner == key:
                theirs = made.json()["id"]
        others = made.json()["id"]

        refused = started.compose(*forget.split()[2:], check=False)
        assert refused.returncode != 0 and "revoke" in refused.stderr, "a key of theirs counts"
        started.command(revoke.replace("ID", listed(started)["somebody"]["id"]))
        said = started.command(forget).stdout

        assert re.search(r"[1-9]\d* records are erased", said), said
        assert (await http.get(f"{responses}/{others}")).status_code == 200
        again = started.made_key("somebody", *of_user)
        http.headers["authorization"] = f"Bearer {again}"
        await knows(http, started.url)
        assert (await http.get(f"{responses}/{theirs}")).status_code == 404


# A response of so many tokens, and so many of them.
TOKENS, RESPONSES = 200, 100


async def test_what_a_response_takes_on_disk(started, measured):
    [look] = commands(f"{HERE}::test_what_a_response_takes_on_disk")

    def stored():
        """Bytes in each stream."""
        [account] = json.loads(started.command(look).stdout)["account_details"]
        return {stream["name"]: stream["state"]["bytes"] for stream in account["stream_detail"]}

    before = stored()
    async with client() as http:
        http.headers["authorization"] = f"Bearer {started.first_key}"
        await knows(http, started.url)
        held = Held(http, started.site, callers=8, tokens=TOKENS, token_ms=1)
        await held.more(RESPONSES)
        accepted = await held.end()
    deadline = time.monotonic() + 60
    # Each is sealed a moment after its end.
    after = stored()
    while (now := stored()) != after or now["CHORES"] > before["CHORES"]:
        assert time.monotonic() < deadline, f"it does not come to rest: {after}, {now}"
        after = now
    grown = {name: (size - before[name]) / len(accepted) for name, size in after.items()}
    told = ", ".join(f"{name} {size:.0f}" for name, size in grown.items() if size)
    measured(f"bytes for each of {len(accepted)} responses of {TOKENS} tokens: {told}")
    text = r"(\d+) tokens .*: (\d+) kB in `LOGS` and another (\d+) kB in `KV_RESPONSES`"
    [written] = re.findall(text, PAGE.read_text())
    tokens, logs, responses = map(int, written)
    assert tokens == TOKENS, f"{PAGE.name} tells of {tokens} tokens"
    for stream, kb in (("LOGS", logs), ("KV_RESPONSES", responses)):
        within = 500 * kb < grown[stream] < 1500 * kb
        assert within, f"{PAGE.name} tells of {kb} kB in {stream}: {grown}"


async def test_keys_are_rotated(started):
    list_them, rotate = commands(f"{HERE}::test_keys_are_rotated")
    key = listed(started)["first"]
    assert key["id"] in started.command(list_them).stdout
    said = started.command(rotate.replace("ID", key["id"]))
    [new] = set(re.findall(r"\bsk-\S+", f"{said.stdout}{said.stderr}"))
    assert new != started.first_key
    async with client() as http:
        http.headers["authorization"] = f"Bearer {new}"
        await knows(http, started.url)


async def test_the_chat_page_gets_another_key(started):
    before = {name: key["id"] for name, key in listed(started).items()}
    revoke, make, roll = commands(f"{HERE}::test_the_chat_page_gets_another_key")
    started.command(revoke.replace("ID", before["web"]))
    started.command(make)
    started.command(roll)
    async with client() as http:
        outcome = await ask(http, started.web_url, Request("page"))
    assert outcome.end == "whole", outcome


async def test_another_catalogue_is_taken_up(started):
    text = started.models.read_text().replace('name = "simulator"', 'name = "another"', 1)
    started.models.write_text(text)
    for command in commands(f"{HERE}::test_another_catalogue_is_taken_up"):
        await asyncio.to_thread(started.command, command)
    async with client() as http:
        http.headers["authorization"] = f"Bearer {started.operators_key()}"
        models = (await http.get(f"{started.url}/v1/models")).json()["data"]
    assert "another" in {model["id"] for model in models}


async def test_it_is_scaled(started):
    [scale] = commands(f"{HERE}::test_it_is_scaled")
    before = set(started.containers("gateway", "llm-worker"))
    started.command(scale)
    after = {service: started.containers(service) for service in ("gateway", "llm-worker")}
    assert {service: len(names) for service, names in after.items()} == {"gateway": 3, "llm-worker": 4}
    assert before < {name for names in after.values() for name in names}, "nobody was replaced"


async def test_credentials_are_made_for_a_server_of_ones_own(started, tmp_path):
    [make] = commands(f"{HERE}::test_credentials_are_made_for_a_server_of_ones_own")
    program, _, arguments = make.partition(" ")
    tmp_path.chmod(0o777)
    image = started.inspect(started.containers("gateway")[0])["Config"]["Image"]
    started.command(
        f"docker run --rm --network none --volume {tmp_path}:/etc/chappe/credentials "
        f"--entrypoint /usr/local/bin/{program} {image} {arguments}"
    )
    made = {path.name for path in tmp_path.iterdir()}
    seeds = {f"{service}.nk" for service in ("gateway", "llm-worker", "nats-init", "operator")}
    assert made == {*seeds, "nats-users.conf"}
