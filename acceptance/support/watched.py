"""A day of a system, watched by a real Prometheus and by a collector."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from support import everyday, queries, rules
from support.callers import client
from support.collector import Collector
from support.prometheus import Prometheus
from support.system import System


@dataclass
class Seen:
    """What there was to see, and who has seen it."""

    day: everyday.Day
    system: System
    prometheus: Prometheus
    collector: Collector

    async def during(self, expression, step="1s"):
        """What an expression was meanwhile: series with their points."""
        day = self.day
        return await self.prometheus.query_range(expression, day.began, day.ended, step)


@asynccontextmanager
async def a_day(folder, times=1):
    """Has a day go by, as often as that."""
    collector = Collector(folder)
    system = System(
        folder,
        gateways=2,
        workers=2,
        webs=1,
        slots=16,
        overheard=True,
        catalogue=everyday.CATALOGUE,
        variables=collector.variables,
    )
    prometheus = Prometheus(folder, system, rules.copied(queries.rule_files(), folder))
    try:
        collector.start()
        await collector.ready()
        await system.start()
        prometheus.start()
        await prometheus.ready()
        await prometheus.has_looked()
        async with client() as http:
            day = await everyday.goes_by(system, http)
            for _again in range(1, times):
                later = await everyday.goes_by(system, http)
                day.ended, day.requests = later.ended, day.requests + later.requests
        await prometheus.has_looked(2)
        yield Seen(day, system, prometheus, collector)
    finally:
        for process in (prometheus, system, collector):
            process.abandon()
