"""The simulator's journal: a test waits for an event there, and not for a time."""

import httpx2

# Ten times what anything takes on a busy machine.
WAIT_MS = 20_000


class Simulator:
    """The model simulator behind the gateway."""

    def __init__(self, url):
        self._http = httpx2.Client(base_url=url, timeout=WAIT_MS / 1000 + 10, trust_env=False)

    def forget(self):
        """Empties the journal, and begins to count ordered faults again."""
        self._http.delete("/simulator/journal").raise_for_status()

    def journal(self, **at_least):
        """The journal, once it has counted `at_least` so many of each."""
        answer = self._http.get("/simulator/journal", params={**at_least, "wait_ms": WAIT_MS})
        journal = answer.raise_for_status().json()
        for what, number in at_least.items():
            assert journal[what] >= number, f"{what} stays below {number}: {journal}"
        return journal

    def close(self):
        self._http.close()
