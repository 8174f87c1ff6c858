"""The pods of k8s/ in Docker: production as it is rendered, without a cluster.

Docker's networks stand for NetworkPolicies: one for each workload that others call, with these and
nobody else in it. Ports and directions are not told apart, and neighbours in a network see each
other. The tests are the kubelet, which asks probes, and the entrance, Prometheus and the operator.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from support.compose import Site
from support.container import docker, image
from support.manifests import (
    K8S,
    Pod,
    archive,
    content,
    names_of,
    neighbours,
    production_with_a_simulator,
    source_of,
)

# In this order: who has to be there first is first. Two of each are enough to lose one.
COUNTS = {"nats": 3, "nats-init": 1, "simulator": 1, "gateway": 2, "llm-worker": 2, "web": 1}
# The end of NetworkPolicies that is no pod, and is played from here.
ENTRANCE = "entrance"
HOST = "127.0.0.1"
READY_WITHIN_S = 90
# A quick model that takes prompts of many megabytes: acceptance/compose/simulator.yaml has the same.
QUICK = {
    "SIMULATOR_TTFT_MS": "5",
    "SIMULATOR_TOKEN_MS": "2",
    "SIMULATOR_CONTEXT_TOKENS": "100000000",
}
QUICK_MEMORY = "1g"


class Pods:
    """All of them, and what they store."""

    def __init__(self, name):
        self.name = name
        self.bundle = production_with_a_simulator(HOST)
        self.callers = neighbours(self.bundle, COUNTS)
        self.pods = {}
        for workload, count in COUNTS.items():
            found = self.bundle.workload(workload)
            if found.kind == "StatefulSet":
                assert found.spec["replicas"] == count
            for number in range(count):
                pod = Pod(self.bundle, found, f"{workload}-{number}")
                self.pods[pod.name] = pod
        self.networks = [one for one in COUNTS if self._with(one)] + [ENTRANCE]
        # As the entrance reaches them; nobody restarts them, which would change their ports.
        self.gateways = []
        self._folder = tempfile.TemporaryDirectory(prefix="chappe-pods-")
        self._nats_image = self.pods["nats-0"].image

    # How they are started, as docs/OPERATIONS.md has it for a cluster.

    def up(self):
        """Starts everything, and waits until its probes say that it is ready."""
        for network in self.networks:
            inside = [] if network == ENTRANCE else ["--internal"]
            docker("network", "create", *inside, self._named(network))
        self._secrets()
        self._start("nats", "nats-init", "simulator", "gateway", "llm-worker")
        self._job_is_done("nats-init-0")
        self._ready(*self._of("nats", "simulator", "gateway", "llm-worker"))
        key = Path(self._folder.name) / "web.key"
        key.write_text(self.key("web", "--on-behalf-of"))
        self._secrets("--web-key", key)
        self._start("web")
        self._ready(*self._of("web"))
        self.gateways = [Site(name, self.published(name)) for name in self._of("gateway")]

    def down(self):
        """Nothing of it is left, nothing that it has stored either."""
        for what, remove in {
            "container": ["rm", "--force", "--volumes"],
            "network": ["network", "rm"],
            "volume": ["volume", "rm"],
        }.items():
            listing = ["ps", "--all"] if what == "container" else [what, "ls"]
            named = ["--filter", f"name=^{self.name}-", "--format"]
            column = "{{.Names}}" if what == "container" else "{{.Name}}"
            found = docker(*listing, *named, column).split()
            if found:
                docker(*remove, *found)

    def _named(self, what):
        return f"{self.name}-{what}"

    def _of(self, *workloads):
        return [name for name, pod in self.pods.items() if pod.workload.name in workloads]

    def _with(self, target):
        """Who is in the network of a workload: those that may call it, if there are any."""
        callers = self.callers.get(target, set()) & set(COUNTS)
        return callers | {target} if callers else set()

    def _secrets(self, *more):
        """What git must not have, by the scripts of the documentation."""
        folder = Path(self._folder.name) / "credentials"
        if not folder.exists():
            program = Path(os.environ["CHAPPE_BIN_DIR"]) / "nats-init"
            command = [program, "credentials", "--dir", folder, "--apart"]
            subprocess.run(command, check=True, capture_output=True)
        command = [K8S / "secrets", "--credentials", folder, *more]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        made = [one for one in yaml.safe_load_all(said) if one]
        names = {(one["kind"], one["metadata"]["name"]) for one in made}
        kept = [
            one
            for one in self.bundle.objects
            if (one["kind"], one["metadata"]["name"]) not in names
        ]
        self.bundle.objects[:] = kept + made

    def _start(self, *workloads):
        """All pods of some workloads at once, as `kubectl apply` does."""
        volumes, folders = {}, {}
        names = self._of(*workloads)
        for name in names:
            workload = self.pods[name].workload
            group = workload.pod["securityContext"].get("fsGroup", 0)
            volumes[name] = {}
            for volume in workload.pod.get("volumes", []):
                if "emptyDir" in volume:
                    continue
                kind, of, mode = source_of(volume)
                files = content(self.bundle, kind, of)
                assert files is not None, f"{name} waits for the {kind} {of} for ever"
                kept = volumes[name][volume["name"]] = self._named(f"{kind}-{of}-{mode:o}".lower())
                folders[kept] = (files, mode, group)
            for claim in workload.spec.get("volumeClaimTemplates", []):
                kept = self._named(f"{name}-{claim['metadata']['name']}")
                volumes[name][claim["metadata"]["name"]] = kept
                folders[kept] = ({}, 0, group)
        self._fill(folders)
        for name in names:
            self._create(self.pods[name], volumes[name])
        docker("start", *(self._named(name) for name in names))

    def _fill(self, folders):
        """By a container that never runs: it has them where they can be written."""
        if not folders:
            return
        holder = self._named("holder")
        places = [word for one in folders for word in ("--volume", f"{one}:/{one}")]
        docker("create", "--name", holder, "--user=0", *places, self._nats_image)
        docker("cp", "-", f"{holder}:/", input=archive(folders))
        docker("rm", holder)

    def _create(self, pod, volumes):
        workload = pod.workload.name
        aliases = [f",alias={alias}" for alias in names_of(self.bundle, pod)]
        networks = []
        for target in self.networks:
            if workload in self._with(target):
                known = "".join(aliases) if workload == target else ""
                networks += ["--network", f"name={self._named(target)}{known}"]
        options = pod.options(volumes, int(docker("info", "--format", "{{.NCPU}}")))
        if workload == "simulator":
            options += [word for pair in QUICK.items() for word in ("--env", "=".join(pair))]
            options += ["--memory", QUICK_MEMORY, "--memory-swap", QUICK_MEMORY]
        if ENTRANCE in self.callers.get(workload, ()):
            networks += ["--network", f"name={self._named(ENTRANCE)}"]
            options += ["--publish", f"{HOST}::{pod.port('http')}"]
        program, arguments = pod.command()
        docker(
            *("create", "--name", self._named(pod.name), *networks, *options, *program),
            *(pod.image, *arguments),
        )

    def _job_is_done(self, name):
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            state = self.inspect(name)["State"]
            if state["Status"] == "exited":
                assert state["ExitCode"] == 0, self.logs(name)
                return
            assert time.monotonic() < deadline, self.logs(name)
            time.sleep(0.1)

    def _ready(self, *names, within_s=READY_WITHIN_S):
        deadline = time.monotonic() + within_s
        for name in names:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                while not self.answers(name, probe):
                    assert time.monotonic() < deadline, f"{name}: {probe}\n{self.logs(name)}"
                    time.sleep(0.1)

    @property
    def running(self):
        """Those that do not end when all is well."""
        return [name for name, pod in self.pods.items() if pod.workload.is_kept_running]

    # Who asks.

    def published(self, name):
        """Where the entrance reaches a pod."""
        port = self.pods[name].port("http")
        return f"http://{docker('port', self._named(name), f'{port}/tcp').splitlines()[0]}"

    def address(self, name, port):
        """Where its node does. Linux has a way into the networks of containers; a desktop's engine
        has none."""
        networks = self.inspect(name)["NetworkSettings"]["Networks"].values()
        host = next((one["IPAddress"] for one in networks if one["IPAddress"]), "0.0.0.0")
        return f"{host}:{port}"

    def fetch(self, name, port, path):
        """The status and body of an answer; no status where nobody answers."""
        connection = http.client.HTTPConnection(self.address(name, port), timeout=2)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None, b""
        finally:
            connection.close()

    def answers(self, name, probe):
        return self.fetch(name, *self.pods[name].asked(probe))[0] == 200

    async def ready(self, name, within_s=READY_WITHIN_S):
        await asyncio.to_thread(self._ready, name, within_s=within_s)

    @property
    def simulator_url(self):
        return f"http://{self.address('simulator-0', self.pods['simulator-0'].port('http'))}"

    def key(self, *words):
        """What an operator makes: `chappe keys create`."""
        seed = Path(self._folder.name) / "credentials/operator/operator.nk"
        files = {
            "operator.nk": seed.read_bytes(),
            "ca.crt": content(self.bundle, "ConfigMap", "nats-ca")["ca.crt"],
        }
        kept = self._named("operator")
        self._fill({kept: (files, 0o444, 0)})
        urls = self.bundle.find("ConfigMap", "nats-client")["data"]["NATS_URL"]
        variables = {
            "NATS_URL": urls,
            "NATS_NKEY_FILE": "/operator/operator.nk",
            "NATS_CA_FILE": "/operator/ca.crt",
        }
        said = docker(
            *("run", "--rm", "--network", self._named("nats")),
            *("--volume", f"{kept}:/operator:ro"),
            *(word for pair in variables.items() for word in ("--env", "=".join(pair))),
            *(image("chappe"), "keys", "create", *words, "--json"),
        )
        return json.loads(said)["key"]

    # What happens to them.

    def inspect(self, name):
        return json.loads(docker("inspect", self._named(name)))[0]

    def logs(self, name, last=30):
        """What it has said last."""
        ended = subprocess.run(
            ["docker", "logs", "--tail", str(last), self._named(name)], capture_output=True
        )
        return (ended.stdout + ended.stderr).decode(errors="replace")

    def starts(self):
        """How often each has been started again, and whether its memory was the reason."""
        seen = {name: self.inspect(name) for name in self.pods}
        return {
            name: (one["RestartCount"], one["State"]["OOMKilled"]) for name, one in seen.items()
        }

    def leader_of(self, stream):
        """The pod of the server that leads a stream."""
        for name in self._of("nats"):
            port = self.pods[name].port("monitor")
            status, body = self.fetch(name, port, "/jsz?streams=true")
            if status != 200:
                continue
            accounts = json.loads(body).get("account_details", [])
            streams = [one for account in accounts for one in account.get("stream_detail", [])]
            if any(one["name"] == stream and one["cluster"].get("leader") == name for one in streams):
                return name
        return None

    def kill(self, name):
        """Its process dies, and nobody has asked for it: it is started again."""
        pid = str(self.inspect(name)["State"]["Pid"])
        assert pid != "0", f"{name} does not run"
        self._helper(["--pid=host"], "kill", "-9", pid)

    def cut(self, name, network, is_cut=True):
        """Takes a pod's cable out of a network, or puts it back. Unlike `docker network disconnect`
        this leaves both ends their addresses and connections, of which neither hears the end."""
        mac = self.inspect(name)["NetworkSettings"]["Networks"][self._named(network)]["MacAddress"]
        script = (
            f"for at in /sys/class/net/*; do read -r mac < $at/address; "
            f'[ "$mac" = {mac} ] && busybox ip link set "${{at##*/}}" {"down" if is_cut else "up"}; '
            "done; true"
        )
        inside = ["--network", f"container:{self._named(name)}", "--cap-add=NET_ADMIN"]
        self._helper(inside, "sh", "-c", script)

    def reaches(self, name, host, port):
        """Whether somebody answers a pod there."""
        inside = ["--network", f"container:{self._named(name)}"]
        script = f"busybox nc -w 2 {host} {port} </dev/null >/dev/null 2>&1 && echo yes || true"
        return bool(self._helper(inside, "sh", "-c", script))

    def status_of_process(self, name):
        """What the kernel says of its process."""
        inside = [f"--pid=container:{self._named(name)}"]
        said = self._helper(inside, "cat", "/proc/1/status")
        lines = [line.split(":") for line in said.splitlines() if line.count(":") == 1]
        return {key: value.split() for key, value in lines}

    def was_out_of_memory(self, name, since):
        """Whether the kernel has killed its process for its memory since then, by the engine's clock
        and ours, which may be another by a second."""
        when = ["--since", f"{since - 1:.3f}", "--until", f"{time.time() + 1:.3f}"]
        of = ["--filter", "event=oom", "--filter", f"container={self._named(name)}"]
        return bool(docker("events", *when, *of))

    def limit_memory(self, name, mib):
        limit = f"{mib:g}m"
        docker("update", "--memory", limit, "--memory-swap", limit, self._named(name))

    def _helper(self, options, program, *arguments):
        """What a program says, of an image that is there anyway."""
        return docker(
            *("run", "--rm", "--user=0", *options, "--entrypoint", program),
            *(self._nats_image, *arguments),
        )


def main():
    """`python -m support.pods up NAME`, and `down NAME`: for whoever asks them."""
    word, name = sys.argv[1:]
    pods = Pods(name)
    if word == "down":
        return pods.down()
    pods.up()
    gateway = pods.gateways[0].url
    print(
        json.dumps(
            {
                "gateway_url": gateway,
                "direct_url": gateway,
                "web_url": pods.published("web-0"),
                "simulator_url": pods.simulator_url,
                "api_key": pods.key("tests", "--operator"),
            }
        )
    )


if __name__ == "__main__":
    main()
