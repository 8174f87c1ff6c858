"""A child process that is killed, stopped and started again, and a service with a health port."""

import asyncio
import re
import signal
import subprocess
import time

import httpx2

# Ten times what anything takes on a busy machine.
WITHIN_S = 40
# Between two looks at something that cannot be waited for in another way.
LOOK_EVERY_S = 0.02


async def until(what, look, within_s=WITHIN_S):
    """Waits until `look()` gives something true, and gives it."""
    deadline = time.monotonic() + within_s
    while True:
        seen = await look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(LOOK_EVERY_S)


class Process:
    """One program, at the same addresses each time that it is started."""

    def __init__(self, name, command, variables, folder):
        self.name = name
        self.log = folder / f"{name}.log"
        self.starts = 0
        self._command = command
        self._variables = variables
        self._folder = folder
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def start(self):
        assert not self.is_running, f"{self.name} runs"
        self.starts += 1
        with self.log.open("ab") as log:
            log.write(f"--- start {self.starts}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                self._command,
                env=self._variables,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number):
        # By its handle: a number that was given to another process is never hit.
        self._process.send_signal(number)

    async def ends(self, within_s=WITHIN_S):
        """Waits for its end, and gives the exit code."""

        async def code():
            ended = self._process.poll()
            return None if ended is None else (ended,)

        return (await until(f"{self.name} ends", code, within_s))[0]

    async def kill(self):
        """Without a chance to say a word."""
        self.signal(signal.SIGKILL)
        await self.ends()

    async def run(self):
        """Runs it to its end, which must be a good one."""
        self.start()
        code = await self.ends()
        assert code == 0, f"{self.name} ended with {code}:\n{self.said()}"

    def said(self):
        """What it has said, all its lives long."""
        return self.log.read_text(errors="replace")

    def abandon(self):
        """Whatever became of a test, nothing of it runs on."""
        if self.is_running:
            self._process.kill()
            self._process.wait()


class Service(Process):
    """A process that says on an address of its own how it is."""

    def __init__(self, name, command, variables, folder, health):
        super().__init__(name, command, variables, folder)
        self.health = f"http://{health}"

    async def ready(self):
        """Waits until it takes traffic."""
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as http:

            async def is_ready():
                assert self.is_running, f"{self.name} has ended:\n{self.said()}"
                try:
                    return (await http.get(f"{self.health}/readyz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await until(f"{self.name} is ready", is_ready)

    async def start_again(self):
        self.start()
        await self.ready()

    async def figures(self):
        """Its metrics: pairs of a name with labels, as Prometheus writes them, and a value."""
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            text = (await http.get(f"{self.health}/metrics")).raise_for_status().text
        lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        return [(line.rpartition(" ")[0], float(line.rpartition(" ")[2])) for line in lines]

    async def figure(self, name, **labels):
        """The sum of the metric `name` over everything that has these labels."""
        total = 0.0
        for spelt, value in await self.figures():
            spelt_name = spelt.partition("{")[0]
            has = dict(re.findall(r'(\w+)="([^"]*)"', spelt))
            if spelt_name == name and all(has.get(label) == at for label, at in labels.items()):
                total += value
        return total
