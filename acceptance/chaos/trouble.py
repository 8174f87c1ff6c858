"""What happens to the processes: kills, orderly stops, and long pauses, drawn at random."""

import asyncio
import signal
import time
from dataclasses import dataclass

# Each with its share. The first process of each service is held up and never ended, so that its
# memory can be compared over the whole time.
ACTIONS = {"kill": 4, "stop": 4, "hold": 3}
PAUSES_S = (0.3, 2.5)
AT_ONCE = 2


@dataclass
class Trouble:
    """One thing that happened, and until when its process was not itself again."""

    action: str
    name: str
    began: float
    ended: float = float("inf")

    def touches(self, began, ended):
        return self.began <= ended and began <= self.ended


class Troubles:
    """Makes trouble until it is told to stop."""

    def __init__(self, system, random, tell):
        self.all = []
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
                pause = self._random.uniform(*PAUSES_S)
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
        system = self._system
        spared = {system.gateways[0], system.workers[0], system.webs[0]}
        processes = [*system.gateways, *system.workers, *system.webs, system.nats]
        process = self._random.choice(processes)
        [action] = self._random.choices(list(ACTIONS), list(ACTIONS.values()))
        if process in spared:
            action = "hold"
        down_s = self._random.uniform(0, 3)
        held_s = self._random.uniform(0.2, 9)
        if process in self._busy.values():
            return None, None
        trouble = Trouble(action, process.name, time.monotonic())
        if action == "hold":
            return process, self._hold(process, trouble, held_s)
        number = signal.SIGKILL if action == "kill" else signal.SIGTERM
        return process, self._end(process, trouble, number, down_s)

    async def _end(self, process, trouble, number, down_s):
        self._begin(trouble)
        process.signal(number)
        code = await process.ends()
        good = -signal.SIGKILL if number == signal.SIGKILL else 0
        # A nats-server that is asked to end says 1.
        nats = process is self._system.nats
        assert nats or code == good, f"{process.name} ended with {code} after {trouble.action}"
        await asyncio.sleep(down_s)
        if nats:
            await self._system.start_nats()
        else:
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
        self._tell(f"{trouble.action} {trouble.name}")

    def _over(self, trouble):
        trouble.ended = time.monotonic()
        self._tell(f"{trouble.name} is back after {trouble.ended - trouble.began:.1f} s")
