"""A registry on this machine, and a pair of keys for what is in it."""

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

from support.ports import fixed_ports

STARTS_WITHIN_S = 20


class Registry:
    """Debian's docker-registry, for as long as the tests run."""

    def __init__(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        [port] = fixed_ports(1)
        self.address = f"127.0.0.1:{port}"
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": self.address},
        }
        # YAML, of which JSON is a part.
        (folder / "config.yml").write_text(json.dumps(config))
        self._said = (folder / "registry.log").open("wb")
        self._process = subprocess.Popen(
            ["docker-registry", "serve", folder / "config.yml"],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, f"it has ended: {folder / 'registry.log'}"
            assert time.monotonic() < deadline, "the registry does not start"
            time.sleep(0.05)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def end(self):
        self._process.terminate()
        self._process.wait()
        self._said.close()


class Keys:
    """What images are signed with, made for this run."""

    def __init__(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self.password = secrets.token_hex(16)
        subprocess.run(
            ["cosign", "generate-key-pair"],
            cwd=folder,
            env={**os.environ, "COSIGN_PASSWORD": self.password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        self.private: Path = folder / "cosign.key"
        self.public: Path = folder / "cosign.pub"
