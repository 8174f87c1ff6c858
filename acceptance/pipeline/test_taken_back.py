"""A version that is good when it is deployed, and turns bad later: it is taken back by itself,
under load, and nothing is lost that was accepted."""

import asyncio
import re
import shutil
import time

import pytest

from support.callers import Request
from support.compose import Site
from support.held import Held
from support.load import Load, counts, told

pytestmark = [pytest.mark.anyio, pytest.mark.long]

# After its start: later than both deployments take, and before the last look at production ends.
TURNS_BAD_S = 100
VERIFIED_S = 150
BAD = f"""
fn main() -> ExitCode {{
    std::thread::spawn(|| {{
        std::thread::sleep(std::time::Duration::from_secs({TURNS_BAD_S}));
        std::process::exit(70);
    }});
"""
# So many at least are answered before the bad version is there, and again when it is gone.
ANSWERS = 20
# What callers may be told meanwhile: all of it, a good reason, or that they are to come again.
HONEST = {"whole", "failed", "refused"}


@pytest.mark.timeout(5400)
async def test_a_service_turns_bad_after_it_was_deployed(
    delivery, sabotage, pipeline, programs, http, measured, tmp_path
):
    good = delivery.runs("production")
    sabotage.change("llm-worker/src/main.rs", "\nfn main() -> ExitCode {\n", BAD)
    bad = sabotage.commit("A worker that ends after a while")
    mixed = tmp_path / "programs"
    shutil.copytree(programs, mixed)
    await asyncio.to_thread(delivery.build, ["llm-worker"], mixed)
    # Acceptance takes longer than this version is good for, and would be right to refuse it.
    tested = pipeline("turns-bad-1", "images", "package-test", CHAPPE_PROGRAMS=mixed)
    url = delivery.url["production"]
    held = Held(http, Site("production", url))
    load = Load(http, lambda _request: url, asks, callers=4)
    await load.more(ANSWERS)
    before = len(load.outcomes)

    deployed = await asyncio.to_thread(
        pipeline,
        "turns-bad-2",
        *("staging", "production", "verify"),
        CHAPPE_VERIFY_SECONDS=VERIFIED_S,
        CHAPPE_WITHOUT="scan,acceptance",
    )

    after = time.monotonic()
    await held.more(20)
    # Four of them may have been asked for before.
    await load.more(ANSWERS + 4)
    accepted = await held.end()
    outcomes = await load.end()
    *good_jobs, verify = [*tested, *deployed]
    assert [job.name for job in good_jobs if not job.passed] == []
    assert verify.name == "verify" and not verify.passed
    said = verify.text()
    assert "llm-worker ended and was started again" in said, said
    seconds = re.search(r"rolled back: production runs \S+ again, (\d+\.\d) s", said)
    assert seconds, said
    tried, taken_back = delivery.record("production")[-2:]
    assert (tried["revision"], tried["outcome"]) == (bad, "deployed")
    # The end of that change, and no change of its own.
    assert (taken_back["outcome"], taken_back["rollback_of"]) == ("deployed", tried["id"])
    assert taken_back["revision"] == good["revision"]
    assert delivery.runs("production")["images"] == good["images"]
    here = {image for _service, image, _id in delivery.containers("production")}
    assert not here & (set(delivery.runs("staging")["images"].values()) - set(good["images"].values()))
    for well in (outcomes[:before], [one for one in outcomes if one.began > after]):
        assert len(well) >= ANSWERS
        assert set(counts(well)) == {"whole"}, told(well, "whole")[:4000]
    assert set(counts(outcomes)) <= HONEST, told(outcomes, *HONEST)[:4000]
    measured(
        f"back on the version before {seconds[1]} s after it was noticed; {len(accepted)} responses "
        f"accepted meanwhile, 0 lost; {len(outcomes)} chats: {dict(counts(outcomes))}"
    )


def asks(random):
    form = random.choices(["stream", "unary"], [2, 1])[0]
    return Request(form, tokens=random.randint(10, 60), token_ms=20)
