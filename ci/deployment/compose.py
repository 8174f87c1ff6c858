"""The target `compose`: services are replaced one after the other, new ones first.

New containers start beside the old ones; when they are healthy, the old ones are stopped, each with
the time that it needs to finish what it does. Where new ones do not get well, they are removed, and
what ran goes on running.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass

from delivery import programs, registry
from delivery.ends import Refused, Unusable

from .release import Unwell

# What of the repository it runs with, beside images.
FILES = ("compose.yaml", "compose", ".env")

# What a job says of an environment, and nothing that is secret.
CHOSEN = (
    "CHAPPE_MODEL", "COMPOSE_PROFILES", "OLLAMA_PULL", "CHAPPE_API_PORT", "CHAPPE_WEB_PORT",
    "WEB_ALLOWED_HOSTS", "OTEL_EXPORTER_OTLP_ENDPOINT",
)

# In this order: workers know the new catalogue before gateways ask for it. The simulator is there
# where it stands in for a model.
ROLLED = ("simulator", "llm-worker", "gateway", "web")
# Run to their end, before anything is replaced: in this order, and the first before NATS. Each is
# safe to repeat.
FIRST = "credentials"
ONCE = ("nats-init", "web-key", "first-key")

# What the proxy finds, and what it says of that: a service and how many of it on each line.
BEHIND_PROXY = ("gateway", "web")
REPLICAS = ("wget", "-q", "-O", "-", "http://127.0.0.1:8404/replicas")

# Longest wait for a container that has just started.
HEALTHY_S = 60


@dataclass(frozen=True)
class Container:
    """What the engine knows of one."""

    id: str
    service: str
    # Of the configuration that it was made with.
    hash: str
    state: str
    # How often the engine has started it again.
    restarts: int
    created: str
    # Files of this machine that it reads.
    mounts: tuple

    @classmethod
    def of(cls, known):
        labels, state = known["Config"]["Labels"], known["State"]
        health = state.get("Health", {}).get("Status", "running")
        return cls(
            id=known["Id"],
            service=labels["com.docker.compose.service"],
            hash=labels["com.docker.compose.config-hash"],
            state=health if state["Status"] == "running" else state["Status"],
            restarts=known["RestartCount"],
            created=known["Created"],
            mounts=tuple(one["Source"] for one in known.get("Mounts", []) if one["Type"] == "bind"),
        )


class Compose:
    """One environment on one Docker engine, which DOCKER_HOST names."""

    name = "compose"

    def __init__(self, environment):
        project = os.environ.get("CHAPPE_PROJECT") or "chappe"
        self.project = f"{project}-{environment}"

    def prepare(self):
        """Docker says itself what is missing."""

    def collect(self, folder, source, images, models, _revision):
        """What a release runs with: the files that compose reads, and the catalogue."""
        for entry in FILES:
            path = source / entry
            if path.is_dir():
                shutil.copytree(path, folder / entry)
            else:
                shutil.copy2(path, folder / entry)
        shutil.copy2(models or _models(source), folder / "models.toml")
        # `docker compose` by hand, in this folder, is about this environment and what it runs with.
        chosen = {name: os.environ[name] for name in CHOSEN if name in os.environ}
        named = {"COMPOSE_PROJECT_NAME": self.project, "CHAPPE_MODELS_FILE": "./models.toml"}
        _write_into(folder / ".env", {**chosen, **named, **images})

    def try_out(self, _release):
        """Nothing is known before containers have started."""

    def variables(self, release):
        """What compose reads of a release."""
        configuration = release.folder / "compose"
        return {
            **release.images,
            "CHAPPE_MODELS_FILE": str(release.models_file),
            # Labels of the services that read them: compose does not look into files, and with
            # another label a service is replaced.
            "CHAPPE_CATALOGUE": _digest(release.models_file),
            "CHAPPE_NATS_CONFIGURATION": _digest(configuration / "nats.conf"),
            "CHAPPE_PROXY_CONFIGURATION": _digest(
                configuration / "haproxy.cfg", *sorted(configuration.glob("errors/*"))
            ),
        }

    def run(self, release, *arguments, capture=False):
        """`docker compose` as this release has it."""
        command = ["docker", "compose", "--ansi", "never", "--progress", "quiet"]
        command += ["--project-name", self.project]
        command += ["--project-directory", str(release.folder)]
        command += ["--file", str(release.folder / "compose.yaml"), *arguments]
        environment = {**os.environ, **self.variables(release)}
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.PIPE if capture else None,
        )
        if done.returncode != 0:
            said = f":\n{done.stdout}{done.stderr}".rstrip() if capture else ""
            raise Refused(f"`docker compose {' '.join(arguments)}` failed{said}")
        return done.stdout if capture else ""

    def apply(self, release):
        """Brings the environment to this release."""
        self._to_its_end(release, FIRST)
        services = self._services(release)
        # The proxy is last: it stands before those that are replaced.
        others = [name for name in services if name not in (FIRST, *ONCE, *ROLLED, "proxy")]
        self.run(release, "up", "--detach", "--wait", "--no-deps", *others)
        # It may run already, with what `credentials` has just written over. Not by a signal of
        # Docker's: after that it would not be started again when it ends.
        for nats in self._containers("nats"):
            _docker("exec", nats.id, "nats-server", "--signal", "reload=1")
        for service in ONCE:
            self._to_its_end(release, service)
        for service in ROLLED:
            if service in services:
                self._roll(release, service)
        self.run(release, "up", "--detach", "--wait", "--no-deps", "proxy")

    def holds(self):
        """Files that containers have mounted: without them none could be started again."""
        return {mount for one in self._containers() for mount in one.mounts}

    def url(self):
        port = os.environ.get("CHAPPE_API_PORT") or "8790"
        return f"http://127.0.0.1:{port}"

    def first_key(self):
        """The key that the environment made for whoever set it up."""
        listed = self._containers("first-key")
        if not listed:
            raise Refused("there is no first key: set CHAPPE_API_KEY")
        file = f"{listed[-1].id}:/keys/first.key"
        packed = programs.output("docker", "cp", file, "-", text=False)
        with tarfile.open(fileobj=io.BytesIO(packed)) as files:
            return files.extractfile("first.key").read().decode().strip()

    def _to_its_end(self, release, service):
        # Its words, and compose's of stopping it, only where they are wanted.
        arguments = ["up", "--no-deps", "--exit-code-from", service, service]
        self.run(release, *arguments, capture=True)

    def _roll(self, release, service):
        replicas = self._replicas(release, service)
        wanted = self._hash(release, service)
        containers = self._containers(service)
        old = [one.id for one in containers if one.hash != wanted]
        right = [one.id for one in containers if one.hash == wanted]
        if len(right) == replicas and not old:
            print(f"{service}: nothing to change")
            return
        began = time.monotonic()
        everything = len(old) + replicas
        self.run(
            release, "up", "--detach", "--no-deps", "--no-recreate",
            "--scale", f"{service}={everything}", service,
        )
        new = [one.id for one in self._containers(service) if one.id not in old]
        try:
            self._wait_until_healthy(service, new)
        except Unwell:
            made_now = [one for one in new if one not in right]
            if made_now:
                _docker("rm", "--force", *made_now)
            raise
        self._wait_until_seen(service)
        for one in old:
            # Docker waits as long as the service said that it needs.
            _docker("stop", one)
            _docker("rm", one)
        print(f"{service}: {len(new)} new, {len(old)} old ended, {time.monotonic() - began:.1f} s")

    def _wait_until_seen(self, service):
        """The proxy looks for new containers by itself; nobody is stopped before it has found them.
        It sends nothing to those that are not well, of which there may be some among the old."""
        proxy = self._containers("proxy")
        end = time.monotonic() + HEALTHY_S
        while proxy and service in BEHIND_PROXY:
            said = programs.output("docker", "exec", proxy[0].id, *REPLICAS)
            seen = dict(line.split() for line in said.splitlines())
            well = [one for one in self._containers(service) if one.state == "healthy"]
            if int(seen.get(service, 0)) >= len(well):
                return
            if time.monotonic() > end:
                raise Unwell(f"{service}: the proxy sends nothing to the new containers")
            time.sleep(0.2)

    def _wait_until_healthy(self, service, containers):
        end = time.monotonic() + HEALTHY_S
        while True:
            states = [one.state for one in self._containers(service) if one.id in containers]
            if all(state == "healthy" for state in states):
                return
            gone = [state for state in states if state in ("exited", "dead", "restarting")]
            if gone or time.monotonic() > end:
                said = "\n".join(_logs(container) for container in containers)
                raise Unwell(f"{service}: new containers are {', '.join(states)}:\n{said}")
            time.sleep(0.25)

    def revision_of(self, images):
        """The commit that all of these images were built from. They are here from then on."""
        revisions = {}
        for image in images:
            _docker("pull", "--quiet", image)
            labels = json.loads(_docker("image", "inspect", image))[0]["Config"]["Labels"] or {}
            revisions[image] = labels.get("org.opencontainers.image.revision", "none")
        return registry.one_revision(revisions)

    def problems_since_now(self, _release):
        """A function that says what does not run as it should, and did when this was called."""
        restarts = {one.id: one.restarts for one in self._containers(*ROLLED)}

        def problems():
            for one in self._containers(*ROLLED):
                if one.restarts > restarts.get(one.id, 0):
                    yield f"a container of {one.service} ended and was started again"
                elif one.state not in ("healthy", "starting"):
                    yield f"a container of {one.service} is {one.state}"

        return problems

    def _services(self, release):
        return self.run(release, "config", "--services", capture=True).split()

    def _replicas(self, release, service):
        config = json.loads(self.run(release, "config", "--format", "json", capture=True))
        return config["services"][service].get("deploy", {}).get("replicas", 1)

    def _hash(self, release, service):
        return self.run(release, "config", "--hash", service, capture=True).split()[-1]

    def _containers(self, *services):
        """Those of these services, or all, oldest first."""
        listed = _docker(
            "ps", "--all", "--quiet", "--no-trunc",
            "--filter", f"label=com.docker.compose.project={self.project}",
            "--filter", "label=com.docker.compose.oneoff=False",
        ).split()
        if not listed:
            return []
        known = map(Container.of, json.loads(_docker("container", "inspect", *listed)))
        wanted = (one for one in known if not services or one.service in services)
        return sorted(wanted, key=lambda one: one.created)


def _digest(*files):
    """Short for what is in these files, those that are there."""
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _write_into(path, values):
    """Sets variables in a file of them: where they stand, or at its end."""
    lines = path.read_text().splitlines()
    for name, value in values.items():
        line = f"{name}={value}"
        places = [at for at, old in enumerate(lines) if old.startswith(f"{name}=")]
        if places:
            lines[places[0]] = line
        else:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n")


def _models(source):
    """The catalogue that the compose file would take."""
    model = os.environ.get("CHAPPE_MODEL") or "ollama"
    path = source / "compose" / f"models.{model}.toml"
    if not path.is_file():
        raise Unusable(f"{path} is not there: say --models FILE")
    return path


def _logs(container):
    done = subprocess.run(
        ["docker", "logs", "--tail", "15", container], check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    return done.stdout.strip()


def _docker(*arguments):
    return programs.output("docker", *arguments).strip()
