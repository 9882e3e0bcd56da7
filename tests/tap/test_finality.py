"""Which messages may still change, one by one: among many others a mistake about one does not show."""

import pytest

from tap_clicksend.readers.finality import Finality
from tap_clicksend.rows.schema import RecordBatch

NOW, DAY = 1_790_000_000, 86_400


def pending(age, *, direction="out", code=None, status="Sent", due=None):
    row = {"message_id": "a", "direction": direction, "status_code": code, "status": status, "schedule": due}
    batch = RecordBatch({name: [value] for name, value in row.items()} | {"date": [NOW - age]}, 1)
    return Finality(NOW, 4 * DAY).pending(batch, "date")


@pytest.mark.parametrize(
    ("about", "may_change"),
    [
        ({}, True),
        ({"code": "200"}, True),
        ({"code": "300"}, True),
        ({"code": "302"}, True),
        ({"code": "201"}, False),
        ({"code": "301"}, False),
        ({"status": "Queued"}, True),
        ({"status": "Scheduled"}, True),
        ({"status": "WaitApproval"}, True),
        ({"status": "Completed"}, True),
        ({"status": "Failed"}, False),
        ({"status": "Cancelled"}, False),
        ({"status": "CancelledAfterReview"}, False),
        ({"direction": "in", "status": "Received"}, False),
    ],
)
def test_what_a_message_says_of_itself(about, may_change):
    assert bool(pending(60, **about)) == may_change
    assert not pending(4 * DAY + 1, **about)


@pytest.mark.parametrize(
    ("due", "may_change"), [(NOW - 4 * DAY - 1, False), (NOW - DAY, True), (NOW + 90 * DAY, True)]
)
def test_a_schedule_counts_where_it_is_later(due, may_change):
    assert bool(pending(30 * DAY, status="Scheduled", due=due)) == may_change


def test_the_first_that_is_due_of_a_day_decides_when_to_recheck():
    finality = Finality(NOW, 4 * DAY)
    base = NOW - 10 * DAY
    finality.add(3, [(base, NOW + 30 * DAY), (base + 1, NOW + 20 * DAY), (base + 2, NOW + 40 * DAY)])
    assert finality.recheck_windows(NOW) == [[base, base + 3, NOW + 20 * DAY]]


def test_what_is_overdue_is_rechecked_within_a_day():
    finality = Finality(NOW, 4 * DAY)
    finality.add(1, [(NOW - 10 * DAY, NOW - DAY)])
    ((_, _, due),) = finality.recheck_windows(NOW)
    assert due == NOW + DAY


def test_a_window_that_was_due_is_due_again_with_the_first_that_may_change():
    finality = Finality(NOW, 4 * DAY)
    base = NOW - 10 * DAY
    finality.add(2, [(base, NOW + 30 * DAY), (base + 1, NOW + 20 * DAY)])
    assert finality.next_recheck([base, base + 9, NOW]) == [[base, base + 9, NOW + 20 * DAY]]
    finality.add(1, [(NOW - DAY, 0)])
    assert finality.next_recheck([base, base + 9, NOW]) == [[base, base + 9, NOW + DAY]]


def test_a_window_in_which_all_is_settled_is_not_due_again():
    assert Finality(NOW, 4 * DAY).next_recheck([NOW - 9 * DAY, NOW - 8 * DAY, NOW]) == []


def test_the_oldest_that_may_change_holds_the_bookmark():
    finality = Finality(NOW, 4 * DAY)
    finality.add(3, [(NOW - DAY, 0), (NOW - 2 * DAY, 0), (NOW - DAY // 2, NOW)])
    finality.add(1, [(NOW - 60, 0)])
    assert (finality.oldest, finality.unsettled, finality.rows) == (NOW - 2 * DAY, 4, 4)


def test_what_lies_on_the_bookmark_waits_until_it_has_passed():
    """A window that follows may move it on in the same run."""
    finality = Finality(NOW, 4 * DAY)
    base = NOW - 10 * DAY
    finality.add(2, [(base, NOW + 30 * DAY), (base + 5, NOW + 20 * DAY)])
    assert finality.recheck_windows(base) == []
    assert finality.recheck_windows(base + 1) == [[base, base + 1, NOW + 30 * DAY]]
    assert finality.recheck_windows(base + 5) == []
    assert finality.recheck_windows(NOW) == [[base + 5, base + 6, NOW + 20 * DAY]]


def test_days_with_nothing_to_look_at_lie_in_no_window():
    finality = Finality(NOW, 4 * DAY)
    base = NOW - 60 * DAY
    finality.add(3, [(base + 9 * DAY, NOW + 30 * DAY), (base, NOW + 20 * DAY), (base + 60, NOW + 25 * DAY)])
    assert finality.recheck_windows(NOW) == [
        [base, base + 61, NOW + 20 * DAY],
        [base + 9 * DAY, base + 9 * DAY + 1, NOW + 30 * DAY],
    ]
