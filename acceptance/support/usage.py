"""The most memory that each pod takes, as the kernel counts it for its container."""

import json
import re
import subprocess
import threading

BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


class Usage:
    """Looks each second, until it is told to end."""

    def __init__(self, pods):
        self._pods = pods
        self.first, self.most, self.now = {}, {}, {}
        self._process = subprocess.Popen(
            ["docker", "stats", "--format", "json", *(f"{pods.name}-{name}" for name in pods.running)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self):
        for line in self._process.stdout:
            found = re.search(r"\{.*\}", line)
            said = json.loads(found[0]) if found else {}
            number, unit = re.fullmatch(r"([0-9.]+)(\w+) / .*", said.get("MemUsage", "0B / ")).groups()
            mib = float(number) * BYTES[unit] / 1024**2
            if mib:
                name = said["Name"].removeprefix(f"{self._pods.name}-")
                self.now[name] = mib
                self.first.setdefault(name, mib)
                self.most[name] = max(self.most.get(name, 0), mib)

    def ends(self):
        self._process.kill()
        self._process.wait()
        self._reading.join()

    def table(self):
        """Beside what the manifests ask for and allow."""
        lines = [f"{'memory, MiB':16}{'first':>9}{'most':>9}{'request':>9}{'limit':>9}"]
        for name, most in sorted(self.most.items()):
            request, limit = self._pods.pods[name].memory_mib
            first = self.first[name]
            lines.append(f"{name:16}{first:>9.1f}{most:>9.1f}{request:>9.0f}{limit:>9.0f}")
        return "\n    ".join(lines)
