"""Chappe as separate processes, each of which can be killed, stopped and started again."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx2

from support.nats import Nats
from support.ports import fixed_ports
from support.process import Process, Service, until

CATALOGUE = """\
[[models]]
name = "simulator"
capabilities = ["chat"]
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
{limits}

[[models]]
name = "simulator-embeddings"
capabilities = ["embeddings"]
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
{limits}
"""

# In front of several gateways and chat pages: what stands under "Stopping" in docs/OPERATIONS.md.
PROXY = """\
defaults
    mode http
    maxconn 8192
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    retries 3
    option redispatch 1
    option httpchk GET /readyz
    default-server check inter 200ms fall 1 rise 1
"""
SITE = """
listen {name}
    bind 127.0.0.1:{port}
    http-after-response set-header x-served-by %[srv_name]
"""
# Longer than the proxy takes to notice.
LAME_DUCK_MS = 1_000
# What the streams of jobs are called.
QUEUES = "JOBS_"
# A user of NATS who may do everything: tests listen along and send what nobody else would.
EAVESDROPPER = ("tests", "tests")


def program(name):
    """A program of ours: `cargo xtask` builds them and says where they are."""
    folder = os.environ.get("CHAPPE_BIN_DIR")
    assert folder, "CHAPPE_BIN_DIR is not set; `cargo xtask test` builds the programs and sets it"
    return Path(folder) / name


def kept_at(name, otherwise):
    """Where what the processes say is kept: `cargo xtask test` names a place that outlives us."""
    logs = os.environ.get("ACCEPTANCE_LOGS")
    if not logs:
        return otherwise
    kept = Path(logs) / re.sub(r"\W+", "_", name)
    kept.mkdir(parents=True)
    return kept


def outside_program(name, variable):
    return os.environ.get(variable) or name


class System:
    """One nats-server or several, simulators, and as many of each service as wanted, on free ports.

    What they say is kept in `folder`.
    """

    def __init__(
        self,
        folder,
        *,
        nats_servers=1,
        gateways=1,
        workers=1,
        webs=0,
        proxy=False,
        simulators=1,
        slots=64,
        catalogue=CATALOGUE,
        limits="",
        idle=(),
        variables=None,
        keys=False,
        overheard=False,
    ):
        self._folder = folder
        # Of each service, beside what it is told anyway.
        self._variables = variables or {}
        self._keys = keys
        self._idle = idle
        self._models = folder / "models.toml"
        ports = fixed_ports(simulators)
        by_name = {f"simulator{number or ''}": port for number, port in enumerate(ports)}
        self._models.write_text(catalogue.format(**by_name, limits=limits))

        # Each service has its own, and may do what it needs and nothing else.
        self._credentials = folder / "credentials"
        make = [program("nats-init"), "credentials", "--dir", self._credentials]
        subprocess.run(make, check=True, capture_output=True)
        if overheard:
            let_in(self._credentials / "nats-users.conf", EAVESDROPPER)
        server = outside_program("nats-server", "NATS_SERVER_BIN")
        bare = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self._nats = Nats(server, nats_servers, bare, folder)
        copies = self._known_as("nats-init", NATS_REPLICAS=str(nats_servers))
        self._init = Process("nats-init", [program("nats-init")], copies, folder)
        self.simulators = [self._simulator(*named) for named in by_name.items()]
        numbers = lambda count: range(1, count + 1)
        self.gateways = [self._gateway(number) for number in numbers(gateways)]
        self.workers = [self._worker(number, slots) for number in numbers(workers)]
        # Without a proxy a chat page has the first gateway.
        self.proxy = None
        self.url = self.gateways[0].url if gateways else None
        web_port, self.webs = None, []
        if proxy:
            api_port, web_port = fixed_ports(2)
            self.url = f"http://127.0.0.1:{api_port}"
        self.webs = [self._web(number) for number in numbers(webs)]
        self.web_url = self.webs[0].url if webs else None
        if proxy:
            self.web_url = f"http://127.0.0.1:{web_port}"
            sites = [("api", api_port, self.gateways), ("chat", web_port, self.webs)]
            self.proxy = self._proxy(sites)

    @property
    def simulator(self):
        return self.simulators[0]

    @property
    def nats(self):
        """The nats-server, of which there is one."""
        [server] = self._nats.servers
        return server

    @property
    def nats_servers(self):
        return self._nats.servers

    async def nats_leader_of(self, what):
        """The nats-server that leads this stream, or the cluster (`support.nats.META`)."""
        return await self._nats.leader_of(what)

    @property
    def services(self):
        """Those of ours that run all the time, the simulator left aside."""
        return [*self.gateways, *self.workers, *self.webs]

    async def start(self):
        """Starts everything but the workers that are to be idle at first."""
        await self._nats.start()
        await self._init.run()
        if self._keys:
            self.makes_key("web", "--on-behalf-of", "--to", self._folder / "web.key")
        await self._start_services()

    async def start_while_nats_gathers(self):
        """The same, the last nats-server only when `nats-init` waits for it."""
        *early, late = self.nats_servers
        for server in early:
            server.start()
        self._init.start()

        async def asks_again():
            return "asking again" in self._init.said()

        await until("nats-init waits", asks_again)
        late.start()
        code = await self._init.ends()
        assert code == 0, self._init.said()
        await self._start_services()

    async def _start_services(self):
        idle = [self.workers[number] for number in self._idle]
        wanted = [one for one in [*self.simulators, *self.services] if one not in idle]
        for service in wanted:
            service.start()
        for service in wanted:
            await service.ready()
        if self.proxy:
            self.proxy.start()
            await self._answers(f"{self.url}/v1/models")
            await self._answers(f"{self.web_url}/")

    def makes_key(self, name, *more):
        """An API key, as an operator makes it: what the program says on its standard output."""
        command = [program("chappe"), "keys", "create", name, *map(str, more)]
        variables = self._known_as("operator")
        made = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=40)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    @property
    def nats_url(self):
        return self._nats.url

    async def stop(self):
        """Ends the services in good order, those first that others work for: each tells its last."""
        for some in (self.webs, self.gateways, self.workers):
            for service in some:
                service.signal(signal.SIGTERM)
            for service in some:
                code = await service.ends()
                assert code == 0, f"{service.name} ended with {code}:\n{service.said()[-2000:]}"

    async def jobs_in_queue(self):
        """Jobs that the queues hold, in work or waiting."""
        streams = await self._nats.streams()
        return sum(one["state"]["messages"] for one in streams if one["name"].startswith(QUEUES))

    async def unsettled(self):
        """Deliveries that the queues wait for, or believe that they have still to make."""
        consumers = await self._nats.consumers()
        queues = [one for one in consumers if one["stream_name"].startswith(QUEUES)]
        return sum(one["num_ack_pending"] + one["num_pending"] for one in queues)

    async def at_rest(self, within_s=40):
        """Waits until nobody has anything in hand: not a queue, a gateway, a worker, a model."""

        async def nothing_left():
            left = await self.in_hand()
            return not any(left.values())

        try:
            await until("everything at rest", nothing_left, within_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {await self.in_hand()}") from None

    async def in_hand(self):
        """What each process has in hand, as it says itself."""
        left = {"queue": await self.jobs_in_queue(), "unsettled": await self.unsettled()}
        for gateway in self.gateways:
            accepted = await gateway.figure("app_jobs_accepted_total")
            settled = await gateway.figure("app_jobs_settled_total")
            active = await gateway.figure("http_server_active_requests")
            left[gateway.name] = accepted - settled or active
        for worker in self.workers:
            left[worker.name] = await worker.figure("app_jobs_inflight")
        for simulator in self.simulators:
            left[simulator.name] = (await journal(simulator))["running"]
        return left

    def abandon(self):
        for process in [self.proxy, *self.services, *self.simulators, self._init, self._nats]:
            if process:
                process.abandon()

    def complaints(self):
        """Panics, refusals and faults that nobody expects, whatever happens to a process."""
        said = [line for server in self.nats_servers for line in server.said().splitlines()]
        refused = [line for line in said if "Violation" in line]
        # A server that restarts has forgotten the questions that are still answered.
        late = lambda line: "Publish Violation" in line and '"_INBOX_' in line
        found = [f"not permitted: {line}" for line in refused if not late(line)]
        for process in [*self.services, *self.simulators]:
            lines = process.said().splitlines()
            found += [f"{process.name}: {line}" for line in lines if "panicked" in line]
        return found

    async def _answers(self, url):
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as http:

            async def well():
                try:
                    return (await http.get(url)).status_code == 200
                except httpx2.HTTPError:
                    return False

            await until(f"{url} answers", well)

    def _environment(self, **more):
        """Nothing that the developer has set may change what is tested."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "NATS_URL": self._nats.url,
            "MODELS_FILE": str(self._models),
            "LOG_FILTER": "info",
            **more,
        }

    def _known_as(self, service, **more):
        """With the credentials that NATS knows a service by."""
        return self._environment(NATS_NKEY_FILE=str(self._credentials / f"{service}.nk"), **more)

    def _service(self, name, program_name, listens, **more):
        """One with an address for callers, if it has one, and one for its health."""
        ports = fixed_ports(len(listens))
        addresses = {
            variable: f"127.0.0.1:{port}" for variable, port in zip(listens, ports, strict=True)
        }
        environment = self._known_as(program_name, **addresses, **more)
        health = list(addresses.values())[-1]
        environment |= self._variables
        service = Service(name, [program(program_name)], environment, self._folder, health)
        service.url = f"http://127.0.0.1:{ports[0]}"
        return service

    def _simulator(self, name, port):
        environment = self._environment(SIMULATOR_LISTEN=f"127.0.0.1:{port}")
        command = [program("model-simulator")]
        service = Service(name, command, environment, self._folder, f"127.0.0.1:{port}")
        service.url = f"http://127.0.0.1:{port}"
        return service

    def _gateway(self, number):
        listens = ["GATEWAY_LISTEN", "GATEWAY_HEALTH_LISTEN"]
        more = {"GATEWAY_LAME_DUCK_MS": str(LAME_DUCK_MS)}
        if self._keys:
            more["GATEWAY_AUTH"] = "keys"
        return self._service(f"gateway-{number}", "gateway", listens, **more)

    def _worker(self, number, slots):
        more = {"LLM_WORKER_MAX_CONCURRENCY": str(slots)}
        listens = ["LLM_WORKER_HEALTH_LISTEN"]
        return self._service(f"llm-worker-{number}", "llm-worker", listens, **more)

    def _web(self, number):
        listens = ["WEB_LISTEN", "WEB_HEALTH_LISTEN"]
        more = {"WEB_GATEWAY_URL": self.url}
        if self._keys:
            more["WEB_API_KEY_FILE"] = str(self._folder / "web.key")
        return self._service(f"web-{number}", "web", listens, **more)

    def _proxy(self, sites):
        lines = [PROXY]
        for name, port, servers in sites:
            lines.append(SITE.format(name=name, port=port))
            for server in servers:
                address, health = (url.removeprefix("http://") for url in (server.url, server.health))
                check = f"check port {health.rpartition(':')[2]}"
                lines.append(f"    server {server.name} {address} {check}\n")
        config = self._folder / "haproxy.cfg"
        config.write_text("".join(lines))
        command = [outside_program("haproxy", "HAPROXY_BIN"), "-db", "-f", config]
        return Process("haproxy", command, self._environment(), self._folder)


def let_in(users, who):
    """Adds a user with a password to those that `nats-init` has written."""
    name, password = who
    said = users.read_text()
    *before, last = said.rstrip().rsplit("]\n}", 1)
    assert before and not last, said[-200:]
    users.write_text(f'{before[0]}  {{ user: "{name}", password: "{password}" }}\n  ]\n}}\n')


async def journal(simulator, wait_ms=0, **at_least):
    """The simulator's counts, once there are `at_least` so many of each."""
    async with httpx2.AsyncClient(timeout=wait_ms / 1000 + 10, trust_env=False) as http:
        asked = {**at_least, "wait_ms": wait_ms}
        answer = await http.get(f"{simulator.url}/simulator/journal", params=asked)
    counts = answer.raise_for_status().json()
    for what, number in at_least.items():
        assert counts[what] >= number, f"{what} stays below {number}: {counts}"
    return counts
