"""What telemetry costs, side by side: off, on for every request, and on while its receiver is away, says
nothing or breaks off. The load generator and the mock are those of bench/, and so is the load."""

import asyncio
import json
import os
import statistics

import pytest

from support.collector import RESETTING, SILENT, WELL, Collector
from support.ports import fixed_ports
from support.process import Process
from support.system import System, kept_at, program

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.timeout(900)]

DOWN = "down"
OFF = "off"
VARIANTS = {
    OFF: "off",
    WELL: "on, 100 %",
    DOWN: "receiver down",
    SILENT: "receiver silent",
    RESETTING: "receiver resetting",
}
ROUNDS = int(os.environ.get("OVERHEAD_ROUNDS", "5"))
SECONDS = int(os.environ.get("OVERHEAD_SECONDS", "12"))
MODEL = "mock-t0-g0-n16"
CATALOGUE = f"""\
[[models]]
name = "{MODEL}"
[[models.upstreams]]
base_url = "http://127.0.0.1:%d/v1"
max_concurrency = 2048
"""
HEAD = """\
| telemetry | requests/s | min – max | of off | p50, ms | p99, ms | not answered well |
|---|---|---|---|---|---|---|
"""


async def test_what_it_costs(tmp_path, tells):
    [port] = fixed_ports(1)
    mock = Process("mock", [program("bench-mock"), "--listen", f"127.0.0.1:{port}"], {}, tmp_path)
    systems, collectors = {}, {}
    try:
        mock.start()
        for variant in VARIANTS:
            folder = kept_at(f"overhead {variant}", tmp_path / variant)
            folder.mkdir(exist_ok=True)
            variables = {}
            if variant != OFF:
                collectors[variant] = Collector(folder)
                variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collectors[variant].url
            if variant in (WELL, SILENT, RESETTING):
                collectors[variant].start()
                await collectors[variant].ready()
                await collectors[variant].is_now(variant)
            systems[variant] = System(
                folder, simulators=0, slots=2048, catalogue=CATALOGUE % port, variables=variables
            )
            await systems[variant].start()
        reports = {variant: [] for variant in VARIANTS}
        for number in range(ROUNDS):
            # Who goes first changes.
            order = [*VARIANTS][number % len(VARIANTS) :] + [*VARIANTS][: number % len(VARIANTS)]
            for variant in order:
                reports[variant].append(await loaded(systems[variant], tmp_path))
        table = as_table(reports)
        (tmp_path / "overhead.md").write_text(table)
        tells(table.replace("\n", "\n    "))
    finally:
        for process in (*systems.values(), *collectors.values(), mock):
            process.abandon()
    for variant, some in reports.items():
        assert not any(one["errors"] for one in some), (variant, some)


async def loaded(system, folder):
    """One run of the load generator: 16 clients, each asking again when it was answered."""
    address = system.url.removeprefix("http://")
    command = [
        program("bench-loadgen"), "--target", f"{address}/v1/chat/completions", "--model", MODEL,
        "--clients", "16", "--measured-ms", str(SECONDS * 1_000),
    ]
    run = await asyncio.create_subprocess_exec(*map(str, command), stdout=asyncio.subprocess.PIPE, env={})
    said, _ = await run.communicate()
    assert run.returncode == 0
    return json.loads(said)


def as_table(reports):
    """Medians over the rounds; shares are of the same round."""
    lines = []
    for variant, some in reports.items():
        rates = [one["requests_per_s"] for one in some]
        shares = [rate / off["requests_per_s"] for rate, off in zip(rates, reports[OFF], strict=True)]
        latency = lambda name, some=some: statistics.median(one["latency"][name] for one in some) / 1_000
        cells = [
            VARIANTS[variant],
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f} – {max(rates):,.0f}",
            f"{statistics.median(shares):.0%}",
            f"{latency('p50'):.2f}",
            f"{latency('p99'):.2f}",
            str(sum(one["errors"] for one in some)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"
