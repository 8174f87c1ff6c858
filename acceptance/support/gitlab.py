"""gitlab-ci-local: executes the jobs of a .gitlab-ci.yml, in order, on this machine."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field

# Those of tests and of whoever runs them; jobs have the variables that the project gives them.
NOT_FOR_JOBS = (
    *("ACCEPTANCE_", "CARGO_TARGET_DIR", "CHAPPE_", "CI_", "COMPOSE_", "COSIGN_"),
    *("NATS_", "PIPELINE_", "PYTEST_"),
)
STARTING = re.compile(r"(?P<job>\S+) +starting shell \((?P<stage>\S+)\)")
FINISHED = re.compile(r"(?P<job>\S+) +finished in .+?(FAIL (?P<code>\d+))?$")


@dataclass
class Job:
    """One that was started."""

    name: str
    stage: str
    began: float
    ended: float | None = None
    passed: bool = False
    said: list = field(default_factory=list)

    @property
    def took_s(self):
        return (self.ended or time.monotonic()) - self.began

    def text(self):
        return "\n".join(self.said)


class Gitlab:
    """What a project's settings are in GitLab: its variables, some of one environment alone."""

    def __init__(self, clone, folder, variables):
        self.clone = clone
        self.variables = variables
        self._folder = folder
        (folder / "home").mkdir(parents=True, exist_ok=True)

    def run(self, log, only=(), **variables):
        """Executes the pipeline, or these jobs of it; who was started, in order."""
        settings = self._folder / "variables.yml"
        settings.write_text(json.dumps(_scoped({**self.variables, **variables})))
        command = [
            *(os.environ["PIPELINE_NODE"], os.environ["PIPELINE_RUNNER"]),
            *("--home", self._folder / "home"),
            *("--variables-file", settings, "--force-shell-executor", "--no-color", *only),
        ]
        process = subprocess.Popen(
            command,
            cwd=self.clone.folder,
            env=environment_of_jobs(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        jobs = {}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file, process:
            for line in process.stdout:
                file.write(line)
                file.flush()
                _hear(line.rstrip(), jobs)
        assert jobs, f"gitlab-ci-local has started no job: {log}"
        good = all(job.passed for job in jobs.values())
        assert (process.returncode == 0) == good, f"{process.returncode}, and {jobs}"
        return list(jobs.values())


def environment_of_jobs():
    """What a runner has in its environment."""
    return {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_JOBS)}


def _scoped(variables):
    """Each value as it is: gitlab-ci-local takes a path for a file's content otherwise."""
    return {
        name: {"type": "variable", "values": value if isinstance(value, dict) else {"*": str(value)}}
        for name, value in variables.items()
    }


def _hear(line, jobs):
    if starting := STARTING.match(line):
        jobs[starting["job"]] = Job(starting["job"], starting["stage"], time.monotonic())
        return
    name = line.split(" ", 1)[0]
    if name not in jobs:
        return
    if finished := FINISHED.match(line):
        jobs[name].ended = time.monotonic()
        jobs[name].passed = finished["code"] is None
    else:
        jobs[name].said.append(line)
