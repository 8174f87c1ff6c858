"""Whoever counts the jobs is watched: each that is missing, or that nobody has asked for, is
reported."""

import pytest

from chaos.conservation import Book, Conservation, books
from support.callers import Outcome, Request

# As a gateway says it.
SAID = """\
# TYPE app_jobs_accepted counter
app_jobs_accepted_total{app_lane="chat"} 12
app_jobs_accepted_total{app_lane="live"} 4
app_jobs_settled_total{app_lane="chat",app_outcome="completed"} 7
app_jobs_settled_total{app_lane="chat",app_outcome="failed"} 2
app_jobs_settled_total{app_lane="live",app_outcome="completed"} 4
app_jobs_open{app_lane="chat"} 3
app_jobs_inflight{app_queue="default"} 3
http_server_active_requests{http_request_method="POST"} 3
"""


class Watched(Conservation):
    """Who looks at nobody, and is shown what they say."""

    def __init__(self):
        self.looks = self.most_open = self._untold = 0
        self._uneven, self._last, self._began = [], {}, 0


def problems(*said, outcomes=()):
    watched = Watched()
    for life, text in enumerate(said, 1):
        watched.sees("gateway-1", life, text)
    return watched.problems(outcomes)


def test_a_book_is_read():
    assert books(SAID) == {"chat": Book(accepted=12, settled=9, open=3)}


def at_rest(text):
    return text.replace('open{app_lane="chat"} 3', 'open{app_lane="chat"} 0').replace(
        '"completed"} 7', '"completed"} 10'
    )


def test_even_books_are_good():
    assert problems(SAID, at_rest(SAID)) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [
        # One is forgotten, one is settled twice, one was never accepted, one never ends.
        ('open{app_lane="chat"} 3', 'open{app_lane="chat"} 2'),
        ('"failed"} 2', '"failed"} 3'),
        ('accepted_total{app_lane="chat"} 12', 'accepted_total{app_lane="chat"} 11'),
        ('"completed"} 7', '"completed"} 6'),
    ],
)
def test_a_job_too_few_or_too_many_is_seen(was, now):
    [found] = problems(SAID.replace(was, now), at_rest(SAID))

    assert "gateway-1, life 1, chat" in found


def test_what_is_open_in_the_end_is_told():
    assert "3 open in chat" in problems(SAID)[0]


def test_without_what_is_open_nothing_is_checked_and_that_is_bad():
    [found] = problems(SAID.replace("app_jobs_open", "app_jobs_opened"))

    assert "could not be checked in 1 of 1 looks" in found
    assert problems() == ["nobody was looked at"]


def whole(number):
    return [Outcome(Request(), "whole", served_by="gateway-1")] * number


def test_an_answer_that_no_gateway_has_completed_is_told():
    assert problems(at_rest(SAID), outcomes=whole(10)) == []
    [found] = problems(at_rest(SAID), outcomes=whole(11))
    assert "11 callers have whole answers, and it says 10" in found
    # Who was started anew has forgotten.
    assert problems(SAID, at_rest(SAID), outcomes=whole(11)) == []
