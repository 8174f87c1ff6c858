"""The mixed load: who asks what, and how they behave. Nothing of it is stored, so that what NATS
holds in memory tells whether it is given back; pages, whose answers are, have a load of their own."""

from support.callers import Request

# Each with its share.
KINDS = {
    "stream": 8,
    "unary": 4,
    "embeddings": 2,
    "leaves": 3,
    "slow": 1,
    "fault": 2,
    "fault-once": 1,
}
# The model fails, before its first word or after it.
FAULTS = [
    {"status": 400},
    {"status": 429, "retry_after": 30},
    {"status": 500},
    {"error_chunk_after": 3},
    {"cut_after": 3},
    {"close_without_done_after": 3},
    {"malformed_chunk_after": 3},
]


class Requests:
    """Draws requests; remembers of which kind each was."""

    def __init__(self):
        self._kinds = {}
        self._number = 0

    def kind_of(self, request):
        return self._kinds[id(request)][0]

    def draw(self, random):
        self._number += 1
        [kind] = random.choices(list(KINDS), list(KINDS.values()))
        pace = {"tokens": random.randint(5, 80), "token_ms": random.choice([0, 5, 20])}
        pace["ttft_ms"] = random.choice([0, 50, 300])
        request = self._of(kind, pace, random)
        # The request is kept with its kind: its id is then nobody else's.
        self._kinds[id(request)] = (kind, request)
        return request

    def _of(self, kind, pace, random):
        match kind:
            case "leaves":
                return random.choice(
                    [
                        Request("stream", leaves_after=random.randint(0, 20), **pace),
                        Request("stream", leaves_after_s=random.uniform(0.01, 0.3), **pace),
                        Request("unary", leaves_after_s=random.uniform(0.01, 0.3), **pace),
                    ]
                )
            case "slow":
                return Request("stream", tokens=100, token_ms=5, reads_after_s=0.05)
            case "fault":
                # Other models for other faults would be kinder to the circuit breaker; here its
                # work is part of what is tested.
                return Request("stream", fault=random.choice(FAULTS), model="faulty", **pace)
            case "fault-once":
                fault = {"status": 503, "times": 1, "key": str(self._number)}
                return Request(random.choice(["stream", "unary"]), fault=fault, **pace)
            case form:
                return Request(form, **pace)
