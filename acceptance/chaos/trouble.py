"""What happens to the processes: kills, orderly stops, and long pauses, drawn at random."""

import asyncio
import signal
import time
from dataclasses import dataclass

from support.nats import META

AT_ONCE = 2
# Whose leader is hit, where several nats-servers keep copies.
LED = ["LOGS", "JOBS_BACKGROUND", "JOBS_LIVE", META]
QUORUM = "quorum"


@dataclass(frozen=True)
class Plan:
    """What is drawn from."""

    # Each with its share.
    actions: dict
    pauses_s: tuple
    held_s: tuple
    # The first process of each service is held up and never ended, so that its memory can be
    # compared over the whole time.
    spares_first: bool
    # Of those that hit a nats-server of several, the share that takes a second one with it: what
    # is left can store nothing.
    quorum_share: float = 0


MIXED = Plan({"kill": 4, "stop": 4, "hold": 3}, (0.3, 2.5), (0.2, 9), spares_first=True)


@dataclass
class Trouble:
    """One thing that happened, and until when its process was not itself again."""

    action: str
    name: str
    began: float
    ended: float = float("inf")
    # What the process was at that time, where that matters more than its name.
    being: str = ""

    @property
    def whom(self):
        return self.being or self.name

    def touches(self, began, ended):
        return self.began <= ended and began <= self.ended


class Troubles:
    """Makes trouble until it is told to stop."""

    def __init__(self, system, random, tell, plan=MIXED):
        self.all = []
        self._plan = plan
        self._system = system
        self._random = random
        self._tell = tell
        self._busy = {}
        self._stopping = asyncio.Event()
        self._maker = asyncio.create_task(self._make())

    async def end(self):
        """No more of it; waits until every process is itself again."""
        self._stopping.set()
        await self._maker

    def check(self):
        """Raises what went wrong in making trouble: a process did not end, or not come back."""
        if self._maker.done():
            self._maker.result()

    async def _make(self):
        while not self._stopping.is_set():
            try:
                pause = self._random.uniform(*self._plan.pauses_s)
                await asyncio.wait_for(self._stopping.wait(), pause)
            except TimeoutError:
                pass
            for task in [task for task in self._busy if task.done()]:
                del self._busy[task]
                task.result()
            if not self._stopping.is_set() and len(self._busy) < AT_ONCE:
                process, act = self._draw()
                if process:
                    self._busy[asyncio.create_task(act)] = process
        await asyncio.gather(*self._busy)

    def _draw(self):
        system, plan = self._system, self._plan
        kinds = [system.gateways, system.workers, system.webs]
        spared = {kind[0] for kind in kinds if kind and plan.spares_first}
        services = [*system.gateways, *system.workers, *system.webs]
        process = self._random.choice([*services, *system.nats_servers])
        [action] = self._random.choices(list(plan.actions), list(plan.actions.values()))
        if process in spared:
            action = "hold"
        down_s = self._random.uniform(0, 3)
        held_s = self._random.uniform(*plan.held_s)
        if process not in system.workers:
            # Everybody waits for it.
            held_s = min(held_s, 9)
        several = len(system.nats_servers) > 1
        if several and process in system.nats_servers:
            # One at a time: until it has caught up, no second one may be missing.
            process = system.nats_servers[0]
            led = self._random.choice(LED)
            if self._random.random() < plan.quorum_share:
                action, led = "kill", QUORUM
        if process in self._busy.values():
            return None, None
        if several and process in system.nats_servers:
            return process, self._hit_leader(action, led, down_s, held_s)
        return process, self._hit(action, process, down_s, held_s)

    async def _hit_leader(self, action, led, down_s, held_s):
        if led != QUORUM:
            process = await self._system.nats_leader_of(led)
            return await self._hit(action, process, down_s, held_s, f"leader of {led}")
        leader = await self._system.nats_leader_of("LOGS")
        other = next(server for server in self._system.nats_servers if server is not leader)
        trouble = Trouble(action, "nats-server", time.monotonic(), being=QUORUM)
        self._begin(trouble)
        for process in (leader, other):
            await process.kill()
        await asyncio.sleep(down_s)
        for process in (leader, other):
            process.start()
        await asyncio.gather(*(server.healthy() for server in self._system.nats_servers))
        return self._over(trouble)

    async def _hit(self, action, process, down_s, held_s, being=""):
        trouble = Trouble(action, process.name, time.monotonic(), being=being)
        if action == "hold":
            return await self._hold(process, trouble, held_s)
        number = signal.SIGKILL if action == "kill" else signal.SIGTERM
        return await self._end(process, trouble, number, down_s)

    async def _end(self, process, trouble, number, down_s):
        self._begin(trouble)
        process.signal(number)
        code = await process.ends()
        good = -signal.SIGKILL if number == signal.SIGKILL else 0
        # A nats-server that is asked to end says 1.
        nats = process in self._system.nats_servers
        assert nats or code == good, f"{process.name} ended with {code} after {trouble.action}"
        await asyncio.sleep(down_s)
        await process.start_again()
        self._over(trouble)

    async def _hold(self, process, trouble, held_s):
        self._begin(trouble)
        process.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(held_s)
        finally:
            process.signal(signal.SIGCONT)
        self._over(trouble)

    def _begin(self, trouble):
        self.all.append(trouble)
        self._tell(f"{trouble.action} {_spelt(trouble)}")

    def _over(self, trouble):
        trouble.ended = time.monotonic()
        self._tell(f"{trouble.name} is back after {trouble.ended - trouble.began:.1f} s")


def _spelt(trouble):
    return f"{trouble.name}, {trouble.being}" if trouble.being else trouble.name
