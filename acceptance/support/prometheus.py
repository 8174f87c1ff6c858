"""A real Prometheus that asks the services each second, and what it answers."""

import json
import os
import tempfile

import httpx2
import yaml

from support.ports import fixed_ports
from support.process import Service, until
from support.system import outside_program

INTERVAL = "1s"


class Prometheus(Service):
    """One that runs. `rules` are files of rules."""

    def __init__(self, folder, system, rules=(), interval=INTERVAL):
        [port] = fixed_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        # Much, and of no use when the test is over.
        self._data = tempfile.TemporaryDirectory(prefix="chappe-prometheus-")
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._config(system, rules, interval)))
        command = [
            outside_program("prometheus", "PROMETHEUS_BIN"),
            f"--config.file={config}",
            f"--storage.tsdb.path={self._data.name}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
            # A value that is gone is gone with the next look.
            "--query.lookback-delta=10s",
        ]
        super().__init__("prometheus", command, {"PATH": os.environ["PATH"]}, folder, f"127.0.0.1:{port}")
        self._http = httpx2.AsyncClient(base_url=self.url, timeout=30, trust_env=False)

    def abandon(self):
        super().abandon()
        self._data.cleanup()

    @staticmethod
    def _config(system, rules, interval):
        jobs = {"gateway": system.gateways, "llm-worker": system.workers, "web": system.webs}
        scrapes = [
            {
                "job_name": job,
                "static_configs": [{"targets": [_address(one.health) for one in services]}],
            }
            for job, services in jobs.items()
            if services
        ]
        return {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
            },
            "rule_files": [str(file) for file in rules],
            "scrape_configs": scrapes,
        }

    async def ready(self):
        async def well():
            assert self.is_running, f"{self.name} has ended:\n{self.said()}"
            try:
                return (await self._http.get("/-/ready")).status_code == 200
            except httpx2.HTTPError:
                return False

        await until("prometheus is ready", well)

    async def has_looked(self, times=1):
        """Waits until each service was asked, so often from now on."""
        for _time in range(times):
            before = await self._looked_at()

            async def again(before=before):
                now = await self._looked_at()
                return all(now.get(url, "") > at for url, at in before.items()) and now

            await until("prometheus has asked everybody", again)

    async def _looked_at(self):
        targets = (await self._get("targets", state="active"))["activeTargets"]
        return {target["scrapeUrl"]: target["lastScrape"] for target in targets}

    async def query(self, expression, at=None):
        """What an expression is now: a list of series, each with its labels and its value."""
        when = {} if at is None else {"time": at}
        data = await self._get("query", query=expression, **when)
        if data["resultType"] in ("scalar", "string"):
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    async def query_range(self, expression, began, ended, step):
        """What it was meanwhile: a list of series, each with its labels and its points."""
        data = await self._get(
            "query_range", query=expression, start=began, end=ended, step=step
        )
        points = lambda one: [(float(at), float(value)) for at, value in one["values"]]
        return [(one["metric"], points(one)) for one in data["result"]]

    async def series(self, selector):
        """The labels of all that there ever was."""
        return await self._get("series", **{"match[]": selector})

    async def alerts(self):
        """Those that are not silent: name, severity and state."""
        alerts = (await self._get("alerts"))["alerts"]
        labels = lambda one: (one["labels"]["alertname"], one["labels"].get("severity", ""))
        return {(*labels(one), one["state"]) for one in alerts}

    async def sick_rules(self):
        """Rules that cannot be evaluated, with the reason."""
        groups = (await self._get("rules"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    async def _get(self, what, **asked):
        answer = await self._http.get(f"/api/v1/{what}", params=asked)
        said = json.loads(answer.content)
        assert said["status"] == "success", f"{asked}: {said}"
        return said["data"]


def _address(url):
    return url.removeprefix("http://")
