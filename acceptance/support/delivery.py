"""Everything that the pipeline needs on one machine: a clone, a registry, keys, environments."""

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

from support.clone import Clone
from support.gitlab import Gitlab, environment_of_jobs
from support.ports import fixed_ports
from support.registry import Keys, Registry

ENVIRONMENTS = ("staging", "production")
# As they ship; in the Dockerfile, too.
STATIC = "-C target-feature=+crt-static"
# What is in the images, and the package of each.
PROGRAMS = {
    "gateway": "gateway",
    "nats-init": "bus",
    "llm-worker": "llm-worker",
    "web": "web",
    "chappe": "launcher",
    "model-simulator": "model-simulator",
}


class Delivery:
    """One project in GitLab, so to speak, and the machine that it is deployed to."""

    def __init__(self, folder, logs):
        self.folder, self.logs = folder, logs
        shutil.rmtree(folder / "deployments", ignore_errors=True)
        self.clone = Clone(folder)
        self.keys = Keys(folder / "keys")
        self.registry = Registry(folder / "registry")
        # Nobody's staging or production on the same engine is touched.
        self.project = f"chappe-pipeline-{os.getpid()}"
        api, web = (dict(zip(ENVIRONMENTS, map(str, fixed_ports(2)), strict=True)) for _ in "ab")
        acceptance = dict(zip(("API", "WEB", "SIMULATOR"), fixed_ports(3), strict=True))
        self.url = {name: f"http://127.0.0.1:{port}" for name, port in api.items()}
        self.web_url = {name: f"http://127.0.0.1:{port}" for name, port in web.items()}
        self.gitlab = Gitlab(self.clone, folder / "gitlab", {
            "CI_REGISTRY_IMAGE": f"{self.registry.address}/chappe",
            "COSIGN_KEY": self.keys.private,
            "COSIGN_PASSWORD": self.keys.password,
            "COSIGN_PUBLIC_KEY": self.keys.public,
            "CHAPPE_DEPLOYMENTS": folder / "deployments",
            "CHAPPE_PROJECT": self.project,
            # The tag that images have here, beside their digests.
            "CHAPPE_VERSION": "pipeline-under-test",
            "CHAPPE_MODEL": "simulator",
            "CHAPPE_API_PORT": api,
            "CHAPPE_WEB_PORT": web,
            **{f"CHAPPE_ACCEPTANCE_{name}_PORT": port for name, port in acceptance.items()},
            # Instead of the runner's caches.
            "CARGO_HOME": os.environ.get("CARGO_HOME") or Path.home() / ".cargo",
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache",
            "npm_config_cache": os.environ.get("npm_config_cache") or Path.home() / ".npm",
        })

    def runs(self, environment):
        """The release that runs there, as its folder says; `None` before the first."""
        file = self.folder / "deployments" / environment / "current" / "release.json"
        return json.loads(file.read_text()) if file.exists() else None

    def record(self, environment):
        """Its deployments, oldest first."""
        file = self.folder / "deployments" / environment / "deployments.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def containers(self, environment):
        """Those that are there: service, image and the engine's number of each."""
        listed = self.docker(
            *("ps", "--all", "--quiet", "--no-trunc"),
            *("--filter", f"label=com.docker.compose.project={self.project}-{environment}"),
        ).split()
        known = json.loads(self.docker("container", "inspect", *listed)) if listed else []
        service = "com.docker.compose.service"
        return sorted((one["Config"]["Labels"][service], one["Config"]["Image"], one["Id"]) for one in known)

    def answers(self, environment):
        """Whether somebody is there who answers, key or not."""
        try:
            with urllib.request.urlopen(f"{self.web_url[environment]}/", timeout=20) as page:
                return page.status == 200
        except OSError:
            return False

    def key(self, environment):
        """The first key of an environment, as the header of compose.yaml has it read."""
        return self._shell(environment, "docker compose cp first-key:/keys/first.key - | tar -xO")

    def build(self, programs, into):
        """Builds programs of the clone, with the list of what is in them, into a folder."""
        target = self.folder / "programs"
        triple = subprocess.check_output(["rustc", "--print", "host-tuple"], text=True).strip()
        environment = environment_of_jobs()
        environment |= {"RUSTFLAGS": STATIC, "CARGO_TARGET_DIR": str(target)}
        named = [word for program in programs for word in ("--package", PROGRAMS[program])]
        command = ["cargo", "auditable", "build", "--release", "--locked", "--bins"]
        with (self.logs / "programs.log").open("a") as said:
            subprocess.run(
                [*command, "--target", triple, *named],
                cwd=self.clone.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT, check=True,
            )
        for program in programs:
            shutil.copy2(target / triple / "release" / program, into)

    def end(self):
        """Nothing of it is left but logs, and what takes long to make again."""
        for environment in ENVIRONMENTS:
            self.logs.mkdir(parents=True, exist_ok=True)
            said = self._shell(environment, "docker compose logs --no-color 2>&1 || true")
            (self.logs / f"{environment}.log").write_text(said)
            self._shell(environment, "docker compose --profile '*' down --volumes --timeout 5 2>&1")
        self.registry.end()
        mine = f"--filter=reference={self.registry.address}/chappe/*"
        if images := set(self.docker("image", "ls", "--quiet", mine).split()):
            self.docker("image", "rm", "--force", *images)
        shutil.rmtree(self.folder / "registry", ignore_errors=True)
        shutil.rmtree(self.folder / "keys", ignore_errors=True)

    def docker(self, *arguments):
        return subprocess.check_output(["docker", *arguments], text=True)

    def _shell(self, environment, line):
        name = f"{self.project}-{environment}"
        environment = os.environ | {"COMPOSE_PROJECT_NAME": name, "CHAPPE_MODEL": "simulator"}
        ended = subprocess.run(
            ["sh", "-c", line], cwd=self.clone.folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        assert ended.returncode == 0, f"{line}: {ended.stdout}{ended.stderr}"
        return ended.stdout.strip()
