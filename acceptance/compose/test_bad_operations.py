"""What is set up wrongly says so in one line, with what to do, is never ready, and does not start
again and again at full speed."""

import json
import re
import time

import httpx2
import pytest

from support.compose import ROOT, Stack
from support.readers import asked

pytestmark = pytest.mark.long

# The engine waits twice as long before each start, from a tenth of a second on.
WATCHED_S = 10
MOST_STARTS = 7
SMALL_DISK = """\
volumes:
  nats:
    driver_opts:
      type: tmpfs
      device: tmpfs
      o: size=16m,uid=65532,gid=65532
"""
OTHER_MODELS = """\
[[models]]
name = "another"
[[models.upstreams]]
base_url = "http://simulator:8799/v1"
"""


def says(text, *words):
    """The lines that say all of these."""
    return [line for line in text.splitlines() if all(word in line for word in words)]


def run(stack, service, **variables):
    """Runs one container of a service to its end, beside the others."""
    settings = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    ended = stack.compose("run", "--rm", "--no-deps", *settings, service, check=False)
    return ended.returncode, f"{ended.stdout}{ended.stderr}"


def test_a_secret_is_missing(stack):
    code, said = run(stack, "gateway", NATS_NKEY_FILE="/credentials/none.nk")
    assert code == 78
    assert len(says(said, "NATS_NKEY_FILE", "/credentials/none.nk")) == 1, said
    code, said = run(stack, "web", WEB_API_KEY_FILE="/keys/none.key")
    assert code == 78
    assert len(says(said, "WEB_API_KEY", "/keys/none.key")) == 1, said


@pytest.mark.parametrize("service", ["gateway", "llm-worker"])
def test_nats_has_another_address(stack, service):
    nowhere = {"NATS_URL": "nats://nats:4333", "NATS_CONNECT_TIMEOUT_MS": "2000"}
    code, said = run(stack, service, **nowhere)
    assert code == 1
    # Its log tells the same while it tries.
    told = says(said, "nats://nats:4333", "set NATS_URL")
    assert len([line for line in told if line.startswith(f"{service}: ")]) == 1, said


def test_the_secret_is_of_another_installation(stack):
    other = Stack(f"{stack.name}-other")
    try:
        other.compose("run", "--rm", "credentials")
        image = stack.inspect(stack.containers("gateway")[0])["Config"]["Image"]
        seeds = f"type=volume,source={other.name}_credentials,target=/other,volume-subpath=nats-init"
        ended = stack.docker(
            *("run", "--rm", "--network", f"{stack.name}_bus", "--mount", seeds),
            *("--volume", f"{ROOT}/compose/models.simulator.toml:/models.toml:ro"),
            *("--env", "NATS_URL=nats://nats:4222", "--env", "NATS_NKEY_FILE=/other/nats-init.nk"),
            *("--env", "NATS_CONNECT_TIMEOUT_MS=2000", "--env", "MODELS_FILE=/models.toml"),
            *("--entrypoint", "/usr/local/bin/nats-init", image),
            check=False,
        )
        said = f"{ended.stdout}{ended.stderr}"
        assert ended.returncode == 1
        told = says(said, "does not know the NKey", "NATS_NKEY_FILE")
        assert len([line for line in told if line.startswith("nats-init: ")]) == 1, said
    finally:
        other.down()


@pytest.mark.timeout(300)
def test_the_disk_of_nats_is_full(stack, tmp_path):
    small = tmp_path / "small.yaml"
    small.write_text(SMALL_DISK)
    other = Stack(f"{stack.name}-full", files=[small])
    keeper = f"{other.name}-keeper"
    try:
        other.up()
        # Holds the disk while nats-server is restarted, and has something on it that can go.
        nats = other.inspect(other.containers("nats")[0])["Config"]["Image"]
        other.docker(
            *("run", "--detach", "--name", keeper, "--volume", f"{other.name}_nats:/data"),
            *("--network", "none", "--user", "65532:65532", "--entrypoint", "sh", nats, "-c"),
            "busybox head -c 6000000 /dev/zero >/data/other; while :; do busybox sleep 1; done",
        )
        with httpx2.Client(timeout=30, trust_env=False) as http:
            http.headers["authorization"] = f"Bearer {other.key()}"
            responses = f"{other.url}/v1/responses"
            # Each is nearly a megabyte.
            large = {**asked(5, background=True), "input": "x" * 900_000}
            accepted = []
            while (answer := http.post(responses, json=large)).status_code == 200:
                accepted.append(answer.json()["id"])
                assert len(accepted) < 100, "the disk is never full"
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "queue_unavailable")
            assert "retry-after" in answer.headers
            assert says(other.logs("nats"), "no space left on device")
            assert accepted

            # One after the other finds out, says so in a line, and is not asked any more.
            told = ("LOGS", "stores nothing", "disk", "make room")
            until_unready(other, "gateway", lambda: http.post(responses, json=large))
            refused = http.post(responses, json=large)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_gateway")
            assert "retry-after" in refused.headers
            for container in other.containers("gateway"):
                assert says(other.docker("logs", container).stderr, *told), container

            other.docker("exec", keeper, "busybox", "rm", "/data/other")
            other.compose("restart", "nats")
            for id in [*accepted, None]:
                ended = completed(http, responses, id)
                assert ended, f"{id} is lost"
        assert all(restarts == 0 for restarts, _memory in other.restarts().values())
    finally:
        other.docker("rm", "--force", keeper, check=False)
        other.down()


def until_unready(stack, service, do):
    """Does it until no container of a service is ready."""
    deadline = time.monotonic() + 90
    while True:
        unready = 0
        for container in stack.containers(service):
            answer = stack.compose(
                *("exec", "-T", "nats", "wget", "-O", "-", f"http://{container}:8791/readyz"),
                check=False,
            )
            unready += "503" in answer.stderr
        if unready == len(stack.containers(service)):
            return
        assert time.monotonic() < deadline, f"{unready} are unready"
        do()


def completed(http, responses, id):
    """Whether a response is completed in the end; without one, a new one is asked for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if id:
            answer = http.get(f"{responses}/{id}")
        else:
            answer = http.post(responses, json=asked(5))
        if answer.status_code == 200 and answer.json()["status"] == "completed":
            return True
        assert answer.status_code in (200, 502, 503), answer.text
        time.sleep(0.3)
    return False


def test_streams_are_missing_and_it_does_not_start_again_at_full_speed(stack):
    other = Stack(f"{stack.name}-other")
    try:
        other.up("nats")
        other.compose("up", "--detach", "--no-deps", "--scale", "gateway=1", "gateway")
        [gateway] = other.compose("ps", "--all", "--quiet", "gateway").stdout.split()
        time.sleep(WATCHED_S)
        seen = other.inspect(gateway)
        assert seen["RestartCount"] <= MOST_STARTS
        assert seen["State"].get("Health", {}).get("Status") != "healthy"
        said = other.logs("gateway")
        starts = seen["RestartCount"] + 1
        assert 1 <= len(says(said, "nats-init")) <= starts + 1, said
    finally:
        other.down()


def declared(said):
    """The hash of the catalogue that gateways have, as they say when they start."""
    [hash] = set(re.findall(r" answers on \S+, catalogue ([0-9a-f]{12})\b", said))
    return hash


def test_a_gateway_has_another_catalogue(stack, tmp_path):
    models = tmp_path / "models.toml"
    models.write_text(OTHER_MODELS)
    tmp_path.chmod(0o755)
    name = f"{stack.name}-mismatch"
    mount = f"{models}:/etc/chappe/other.toml:ro"
    stack.compose(
        *("run", "--detach", "--no-deps", "--name", name, "--volume", mount),
        *("--env", "MODELS_FILE=/etc/chappe/other.toml", "gateway"),
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                ready = stack.fetch(f"http://{name}:8791/readyz")
            except AssertionError:
                ready = ""
            if "warn" in ready:
                break
            assert time.monotonic() < deadline, ready
            time.sleep(0.2)
        logs = stack.docker("logs", name)
        ours = declared(f"{logs.stdout}{logs.stderr}")
        theirs = declared(stack.logs("gateway"))
        assert ours != theirs
        check = json.loads(ready)["checks"]["catalogue"]
        told = f"this gateway has catalogue {ours}, a worker has {theirs}"
        assert check == {"status": "warning", "reason": told}
    finally:
        stack.docker("rm", "--force", name)
