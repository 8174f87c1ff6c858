"""Stored work under trouble, and whether every promise was kept: the account of `chaos/`."""

import asyncio
import contextlib
import time

from chaos import promises
from chaos.jobs import Work
from chaos.trouble import Trouble

CALLERS, READERS, WAITING = 6, 6, 2
SEED = 1
# After the last trouble: until the queue gives a job to another worker, twice, and its answer.
ENDS_WITHIN_S = 90


class Account:
    """Work that is asked for and read within it; in the end each promise is looked after."""

    def __init__(self, http, pods):
        self._http, self._pods = http, pods
        self._troubles = []

    async def __aenter__(self):
        self._work = Work(self._http, self._pods, SEED, CALLERS, READERS, WAITING)
        return self

    async def __aexit__(self, kind, error, trace):
        ends_at = time.monotonic() + ENDS_WITHIN_S
        await asyncio.wait_for(self._work.end(), ENDS_WITHIN_S)
        if kind:
            return
        await self._work.settle(max(5, ends_at - time.monotonic()))
        jobs = self._work.jobs
        bad = [(why, job) for job in jobs if (why := promises.unaccounted(job, self._troubles))]
        lines = "\n".join(f"  {why}: {job}" for why, job in bad[:20])
        assert not bad, f"{len(bad)} promises not kept\n{lines}\n{promises.table(jobs)}"
        few = promises.too_few_completed(jobs)
        assert not few, f"{few}\n{promises.table(jobs)}"

    async def of_thread(self, what, *arguments):
        """Something that takes its time and would hold up callers and readers."""
        return await asyncio.to_thread(what, *arguments)

    async def accepts(self, number, within_s=60):
        """Waits until so many more are accepted."""
        wanted, deadline = self._accepted() + number, time.monotonic() + within_s
        while self._accepted() < wanted:
            self._work.check()
            assert time.monotonic() < deadline, f"not {number} more within {within_s} s"
            await asyncio.sleep(0.05)

    def _accepted(self):
        return sum(job.promise == "accepted" for job in self._work.jobs)

    @contextlib.contextmanager
    def trouble(self, action, name, being=""):
        """It ends when whoever it hits is itself again."""
        trouble = Trouble(action, being or name, time.monotonic())
        self._troubles.append(trouble)
        yield trouble
        trouble.ended = time.monotonic()

    def told(self):
        """In a line: the promises, the longest silence, and the troubles."""
        heard = [silence.took_s for job in self._work.jobs for silence in job.silences]
        anew = sum(job.story.restarts > 0 for job in self._work.jobs)
        refused = sum(job.promise == "refused" for job in self._work.jobs)
        lasted = sum(one.ended - one.began for one in self._troubles)
        return (
            f"itself again after {lasted:.1f} s; {self._accepted()} accepted, all kept, {anew} begun "
            f"anew, {refused} refused, longest silence of a reader {max(heard, default=0):.1f} s"
        )
