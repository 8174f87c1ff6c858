"""A container of ours, as tightly shut as it runs anywhere, and what it says and costs."""

import http.client
import json
import os
import subprocess
import time
import uuid
from datetime import datetime

# Ten times what anything takes on a busy machine.
WITHIN_S = 40
LOOK_EVERY_S = 0.005
USER = 65532
HARDENED = (
    *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={USER}:{USER}"),
    *("--pids-limit=128", "--memory=256m"),
)

# A service, its ports: the one that answers and the one that tells of its health.
PORTS = {
    "model-simulator": (8799, 8799),
    "gateway": (8790, 8791),
    "llm-worker": (8792, 8792),
    "web": (8780, 8793),
}


def image(name):
    """The image of a target of the Dockerfile, by digest if a deployment says which."""
    variable = "TOOLS" if name == "chappe" else name.removeprefix("model-").replace("-", "_").upper()
    return os.environ.get(f"CHAPPE_{variable}_IMAGE") or f"chappe/{name}:{os.environ['CHAPPE_VERSION']}"


def docker(*arguments, **options):
    """Runs docker, whose words are the reason if it fails."""
    ended = subprocess.run(["docker", *arguments], capture_output=True, timeout=WITHIN_S * 3, **options)
    assert ended.returncode == 0, f"docker {' '.join(arguments)}: {ended.stderr.decode(errors='replace')}"
    return ended.stdout.decode(errors="replace").strip()


def ends(of, *arguments, options=(), hardened=HARDENED):
    """Runs a container to its end: exit code, output, errors."""
    command = ["docker", "run", "--rm", *hardened, *options, of, *arguments]
    ended = subprocess.run(command, capture_output=True, timeout=WITHIN_S, stdin=subprocess.DEVNULL)
    return ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")


def settings(variables):
    return [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]


class Container:
    """One that runs in the background, until it is removed."""

    def __init__(self, of, *arguments, options=(), hardened=HARDENED):
        self.name = f"under-test-{uuid.uuid4().hex[:12]}"
        docker("run", "--detach", "--name", self.name, *hardened, *options, of, *arguments)

    def remove(self):
        docker("rm", "--force", "--volumes", self.name)

    def inspect(self):
        return json.loads(docker("container", "inspect", self.name))[0]

    def said(self):
        ended = subprocess.run(["docker", "logs", self.name], capture_output=True)
        return (ended.stdout + ended.stderr).decode(errors="replace")

    def url(self, port):
        """Where a published port is reached from here."""
        host, _, number = docker("port", self.name, f"{port}/tcp").splitlines()[0].rpartition(":")
        return f"http://{host}:{number}"

    def ready_after(self, port, path="/readyz"):
        """Waits until it is ready, and gives the seconds since its program began."""
        host, number = self.url(port).removeprefix("http://").split(":")
        deadline = time.monotonic() + WITHIN_S
        while not _answers(host, int(number), path):
            state = self.inspect()["State"] if time.monotonic() > deadline - WITHIN_S + 1 else None
            assert state is None or state["Running"], f"{self.name} has ended: {self.said()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.said()}"
            time.sleep(LOOK_EVERY_S)
        now = time.time()
        return now - _seconds(self.inspect()["State"]["StartedAt"])

    def becomes(self, health):
        """Waits until Docker's own check says so, and gives what the check said last."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            found = self.inspect()["State"]["Health"]
            if found["Status"] == health:
                return found
            assert time.monotonic() < deadline, f"{self.name} does not become {health}: {found}"
            time.sleep(0.1)

    def memory(self):
        """Bytes that the kernel counts for it, without what it could drop: its control group's."""
        usage = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", self.name)
        number = usage.partition("/")[0].strip()
        for unit, bytes_each in (("KiB", 1024), ("MiB", 1024**2), ("GiB", 1024**3), ("B", 1)):
            if number.endswith(unit):
                return float(number.removesuffix(unit)) * bytes_each
        raise AssertionError(f"docker stats says {usage!r}")

    def stop(self, within_s):
        """Stops it with SIGTERM, as every deployment does: exit code and seconds."""
        began = time.monotonic()
        docker("stop", "-t", str(within_s), self.name)
        return self.inspect()["State"]["ExitCode"], time.monotonic() - began


def _answers(host, port, path):
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _seconds(text):
    """Docker's time has nanoseconds, which Python does not read."""
    whole, _, rest = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{rest or 0}")
