"""The record of deployments, and the figures that are made of it."""

import datetime
import fcntl
import json
import threading

import pytest
from delivery import four_keys, record
from delivery.ends import Unusable

DAY = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
NOW = DAY + datetime.timedelta(days=10)


def entry(name, begin=0, took=10, commit=None, **more):
    """A deployment that began so many minutes after `DAY`; its first commit is that old then."""
    started = DAY + datetime.timedelta(minutes=begin)
    finished = started + datetime.timedelta(minutes=took)
    commits = []
    if commit is not None:
        made = started - datetime.timedelta(minutes=commit)
        later = made + datetime.timedelta(minutes=1)
        commits = [{"id": "b", "time": later.isoformat()}, {"id": "a", "time": made.isoformat()}]
    return {
        "id": name, "environment": "production", "target": "compose", "revision": "a" * 40,
        "digests": {"gateway": "sha256:" + "0" * 64}, "commits": commits,
        "started": started.isoformat(), "finished": finished.isoformat(), "outcome": "deployed",
        **more,
    }


def at(minutes):
    return (DAY + datetime.timedelta(minutes=minutes)).isoformat()


def measure(*entries, days=30, now=NOW):
    deployments = [record.parse(json.dumps(one)) for one in entries]
    return four_keys.measure(deployments, "production", now, days)


def test_of_nothing_nothing_is_said():
    keys = measure()

    assert (keys.changes, keys.deployed, keys.failed, keys.unrecovered) == (0, 0, 0, 0)
    assert keys.frequency == 0.0
    assert keys.change_fail_rate is None and keys.rework_rate is None
    assert keys.lead_time.document() == {"count": 0, "p50": None, "p90": None}


def test_the_lead_time_is_from_the_first_commit_to_the_end_of_the_deployment():
    keys = measure(entry("1", begin=100, took=10, commit=50))
    assert keys.lead_time.document() == {"count": 1, "p50": 3600.0, "p90": 3600.0}


def test_what_was_rolled_back_has_brought_nothing():
    keys = measure(
        entry("1", begin=0, commit=20),
        entry("2", begin=60, commit=20, outcome="rolled-back"),
        entry("3", begin=120, commit=80),
    )
    assert keys.lead_time.count == 2
    assert (keys.changes, keys.deployed, keys.failed) == (3, 2, 1)
    assert keys.change_fail_rate == pytest.approx(1 / 3)


def test_the_frequency_is_that_of_the_days_that_are_looked_at():
    # Ten days of record, thirty asked for.
    keys = measure(*(entry(str(number), begin=number * 60) for number in range(20)))
    assert keys.days == pytest.approx(10) and keys.frequency == pytest.approx(2)
    # Of the last two days none.
    keys = measure(entry("1"), entry("2", begin=60), days=2)
    assert keys.days == 2 and keys.frequency == 0
    # A record of an hour is not 24 deployments a day.
    keys = measure(entry("1"), now=DAY + datetime.timedelta(hours=1))
    assert keys.days == 1 and keys.frequency == 1


def test_an_automatic_rollback_is_over_when_the_old_version_is_well():
    keys = measure(entry("1"), entry("2", begin=60, took=9, outcome="rolled-back", detected=at(65)))
    assert keys.recovery_time.document() == {"count": 1, "p50": 240.0, "p90": 240.0}
    assert keys.unrecovered == 0 and keys.rework_rate == 0


def test_a_rollback_by_hand_makes_a_failure_of_what_it_undoes():
    keys = measure(
        entry("1"),
        entry("2", begin=60),
        entry("3", begin=120, took=5, rollback_of="2", detected=at(110)),
    )
    # It is no change of its own.
    assert (keys.changes, keys.failed, keys.deployments, keys.unplanned) == (2, 1, 3, 1)
    assert keys.recovery_time.p50 == 15 * 60
    assert keys.rework_rate == pytest.approx(1 / 3)


def test_what_is_mended_by_a_newer_version_is_the_same():
    keys = measure(
        entry("1"),
        entry("2", begin=60, took=30, commit=5, repairs="1", cause="incident", detected=at(20)),
    )
    assert (keys.changes, keys.deployed, keys.failed, keys.unplanned) == (2, 2, 1, 1)
    assert keys.change_fail_rate == 0.5 and keys.recovery_time.p50 == 70 * 60


def test_what_failed_half_way_is_over_with_the_next_that_is_well():
    failed = entry("1", took=10, outcome="failed")

    open_still = measure(failed)
    assert (open_still.unrecovered, open_still.recovery_time.count) == (1, 0)
    over = measure(failed, entry("2", begin=30, took=10))
    assert (over.unrecovered, over.recovery_time.p50) == (0, 30 * 60)
    # The old version is well, too.
    back = measure(failed, entry("2", begin=30, took=10, outcome="rolled-back", detected=at(38)))
    assert back.unrecovered == 0 and back.recovery_time.count == 2
    # Another that fails ends nothing.
    assert measure(failed, entry("2", begin=30, outcome="failed")).unrecovered == 2


def test_what_came_later_is_not_known_yet():
    entries = [entry("1"), entry("2", begin=60, repairs="1", cause="incident")]
    keys = measure(*entries, now=DAY + datetime.timedelta(minutes=50))
    assert (keys.changes, keys.failed, keys.unplanned) == (1, 0, 0)


def test_environments_are_apart():
    keys = measure(entry("1"), entry("2", begin=60, environment="staging", outcome="failed"))
    assert (keys.changes, keys.failed) == (1, 0)


def test_of_ten_nine_keep_below_p90():
    spread = four_keys.Spread.of([float(number) for number in range(10, 0, -1)])
    assert (spread.p50, spread.p90) == (5.0, 9.0)
    assert four_keys.Spread.of([7.0]).p90 == 7.0


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("id", "", "id: letters"),
        ("id", "a b", "id: letters"),
        ("outcome", "fine", "outcome: one of deployed, failed, rolled-back"),
        ("cause", "boredom", "cause: one of change, incident"),
        ("started", "2026-06-01T00:00:00", "has no zone"),
        ("finished", None, "finished: "),
        ("finished", "2026-05-01T00:00:00Z", "before it started"),
        ("digests", {}, "a map of image and digest"),
        ("digests", {"gateway": "chappe/gateway:0.1.0"}, "gateway is not named by digest"),
        ("commits", None, "commits: a list"),
        ("commits", [{"id": "a"}], "commits: 'time'"),
        ("revision", None, "revision: missing"),
        ("author", "somebody", "author: unknown"),
    ],
)
def test_an_entry_that_cannot_be_counted_is_refused(key, value, problem):
    record.parse(json.dumps(entry("1")))
    with pytest.raises(Unusable, match=problem):
        record.parse(json.dumps({**entry("1"), key: value}))


def test_the_record_grows_and_never_changes(tmp_path):
    path = tmp_path / "deployments" / "record.jsonl"
    record.append(path, entry("1"))
    before = path.read_bytes()
    record.append(path, entry("2", begin=60, rollback_of="1"))
    after = path.read_bytes()

    assert after.startswith(before) and after.count(b"\n") == 2
    for bad, problem in (
        (entry("2"), "is in .* already"),
        (entry("3", rollback_of="9"), "rollback_of: 9 is not in"),
        (entry("3", repairs="9"), "repairs: 9 is not in"),
        ({}, "id: "),
    ):
        with pytest.raises(Unusable, match=problem):
            record.append(path, bad)
    assert path.read_bytes() == after


def test_who_records_waits_for_who_does_and_reads_what_that_one_wrote(tmp_path):
    path = tmp_path / "record.jsonl"
    refused = []

    def append():
        try:
            record.append(path, entry("1"))
        except Unusable as error:
            refused.append(str(error))

    thread = threading.Thread(target=append)
    with open(path, "a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread.start()
        # Nothing tells that it waits, except that it does not end.
        thread.join(0.3)
        assert thread.is_alive() and path.read_text() == ""
        other.write(json.dumps(entry("1")) + "\n")
    thread.join()

    assert len(record.read(path)) == 1
    assert len(refused) == 1 and "is in" in refused[0]


def test_many_record_at_once(tmp_path):
    path = tmp_path / "record.jsonl"
    names = [str(number) for number in range(20)]
    threads = [
        threading.Thread(target=record.append, args=(path, entry(name))) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.id for one in record.read(path)) == sorted(names)


def test_a_line_that_is_no_entry_is_named(tmp_path):
    path = tmp_path / "record.jsonl"
    assert record.read(path) == []
    record.append(path, entry("1"))
    path.write_text(path.read_text() + '{"id": "2"')
    with pytest.raises(Unusable, match="line 2: no JSON"):
        record.read(path)
    path.write_text(path.read_text().splitlines()[0] + "\n" + json.dumps(entry("1")) + "\n")
    with pytest.raises(Unusable, match="line 2: 1 is there twice"):
        record.read(path)
