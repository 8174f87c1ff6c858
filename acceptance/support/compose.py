"""Chappe as `docker compose up` starts it, whose containers can be killed, stopped and asked."""

import copy
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.ports import fixed_ports

ROOT = Path(__file__).parents[2]
FILES = ["compose.yaml", "acceptance/compose/simulator.yaml"]
# Pulling is no part of it: images are there.
UP_WITHIN_S = 120
# A program that kills and one that fetches: of an image that is there anyway.
WITH_A_SHELL = "nats"


@dataclass(frozen=True)
class Site:
    """An address that is asked, as a reader of responses wants it."""

    name: str
    url: str


class Stack:
    """One compose project, with free ports and what `more` says of its environment."""

    # The source whose compose.yaml and scripts are used.
    root = ROOT

    def __init__(self, name, files=(), **more):
        self.name = name
        self._files = files
        api, web, simulator = fixed_ports(3)
        self.url = f"http://127.0.0.1:{api}"
        self.web_url = f"http://127.0.0.1:{web}"
        self.simulator_url = f"http://127.0.0.1:{simulator}"
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": name,
            "COMPOSE_FILE": self._compose_file(),
            "CHAPPE_MODEL": "simulator",
            "CHAPPE_API_PORT": str(api),
            "CHAPPE_WEB_PORT": str(web),
            "CHAPPE_SIMULATOR_PORT": str(simulator),
            **more,
        }

    def _compose_file(self):
        files = [*(self.root / file for file in FILES), *self._files]
        return os.pathsep.join(str(file) for file in files)

    def seen_by(self, root, **more):
        """The same project with the files of another source, and what `more` says besides."""
        other = copy.copy(self)
        other.root = root
        other.environment = {**self.environment, "COMPOSE_FILE": other._compose_file(), **more}
        return other

    @property
    def site(self):
        return Site("proxy", self.url)

    def compose(self, *arguments, within_s=UP_WITHIN_S, check=True):
        """`docker compose …`, and what it says."""
        return self._run(["docker", "compose", *arguments], within_s, check)

    def docker(self, *arguments, within_s=60, check=True):
        return self._run(["docker", *arguments], within_s, check)

    def script(self, name, *arguments, within_s=300, check=True):
        """One of the scripts of `ci/`, for this project."""
        return self._run([self.root / "ci" / name, *arguments], within_s, check)

    def command(self, line, within_s=300):
        """A line of the documentation, as somebody types it."""
        return self._run(["sh", "-c", line], within_s, True)

    def _run(self, command, within_s, check):
        ended = subprocess.run(
            command,
            env=self.environment,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
        )
        said = f"{ended.stdout}{ended.stderr}"
        assert not check or ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{said}"
        return ended

    def up(self, *services):
        """Starts everything, and waits until it is healthy."""
        ended = self.compose("up", "--detach", "--wait", *services, check=False)
        if ended.returncode:
            logs = self.compose("logs", "--no-color", "--tail", "30", check=False).stdout
            raise AssertionError(f"`docker compose up`:\n{ended.stderr}\n{logs}")

    def down(self):
        """Nothing of it is left, nothing that it has stored either."""
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "5", "--remove-orphans")

    def key(self):
        """The first key, as the header of compose.yaml has it read."""
        command = "docker compose cp first-key:/keys/first.key - | tar -xO"
        assert command in (self.root / FILES[0]).read_text(), "compose.yaml says it otherwise"
        return self.command(command).stdout.strip()

    def operators_key(self):
        """A key that may do everything."""
        return self.made_key("tests", "--operator")

    def made_key(self, name, *more):
        """A new key. `run` has been seen to end with 255 on a busy machine although its program had
        ended well, so it is the key that tells."""
        create = ["keys", "create", name, *more, "--json"]
        ended = self.compose("run", "--rm", "--no-deps", "tools", *create, check=False)
        try:
            return json.loads(ended.stdout)["key"]
        except ValueError:
            said = f"{ended.stdout}{ended.stderr}"
            raise AssertionError(f"no key, and {ended.returncode}:\n{said}") from None

    def direct_url(self):
        """One gateway, without the proxy. Linux has a way into the networks of containers; a
        desktop's engine has none."""
        seen = self.inspect(self.containers("gateway")[0])
        return f"http://{seen['NetworkSettings']['Networks'][f'{self.name}_edge']['IPAddress']}:8790"

    def containers(self, *services, ended=False):
        """Those that run, by name; also those that have ended, if asked."""
        which = ["--all"] if ended else []
        listed = self.compose("ps", *which, "--format", "json", *services).stdout.splitlines()
        return sorted(json.loads(line)["Name"] for line in listed)

    def inspect(self, container):
        return json.loads(self.docker("inspect", container).stdout)[0]

    def restarts(self):
        """How often each has been started again by the engine, and whether it had too much memory."""
        states = {}
        for container in self.containers():
            seen = self.inspect(container)
            states[container] = (seen["RestartCount"], seen["State"]["OOMKilled"])
        return states

    def kill(self, container):
        """Its process dies, and nobody has asked for it: `docker kill` would be a wish, after which
        the engine does not start it again."""
        pid = str(self.inspect(container)["State"]["Pid"])
        assert pid != "0", f"{container} does not run"
        image = self.inspect(self.containers(WITH_A_SHELL)[0])["Config"]["Image"]
        self.docker(
            *("run", "--rm", "--pid=host", "--user=0", "--network=none"),
            *("--entrypoint=kill", image, "-9", pid),
        )

    def fetch(self, url):
        """What an address in the network of NATS answers, also with an error status."""
        command = ["exec", "-T", WITH_A_SHELL, "wget", "-q", "-O", "-", url]
        return self.compose(*command).stdout

    def figure(self, container, port, name):
        """The sum of a metric of one container."""
        lines = self.fetch(f"http://{container}:{port}/metrics").splitlines()
        values = [float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[{{ ]", line)]
        return sum(values)

    def logs(self, *services):
        return self.compose("logs", "--no-color", "--no-log-prefix", *services).stdout


def main():
    """`python -m support.compose up NAME`, and `down NAME`: a stack for whoever asks it."""
    # The second address has nothing between: what is said of bad requests is the gateway's word.
    word, name = sys.argv[1:]
    stack = Stack(name)
    if word == "down":
        return stack.down()
    stack.up()
    print(
        json.dumps(
            {
                "gateway_url": stack.url,
                "direct_url": stack.direct_url(),
                "web_url": stack.web_url,
                "simulator_url": stack.simulator_url,
                "api_key": stack.operators_key(),
            }
        )
    )


if __name__ == "__main__":
    main()
