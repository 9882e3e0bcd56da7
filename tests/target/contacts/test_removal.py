"""Deleting contacts that no row marks as deleted, without a server: what is counted, and what ends it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from clicksend.errors import ForbiddenError, NotFoundError, UnauthorizedError
from target_clicksend.contacts import removal


class Run:
    """A run whose API answers with an error to some ids."""

    dry_run = False
    stopped = None

    def __init__(self, errors):
        self.errors, self.events = errors, []
        self.client = SimpleNamespace(delete=self.delete, map=map)

    def delete(self, path):
        if error := self.errors.get(int(path.rpartition("/")[2])):
            raise error("DELETE", 400, "")

    def record_event(self, outcome):
        self.events.append((outcome.contact_id, outcome.outcome))


def test_what_could_not_be_deleted_is_not_counted():
    run = Run({2: ForbiddenError, 3: NotFoundError})
    assert removal.delete(run, removal.DUPLICATES, 7, [1, 2, 3]) == 2
    assert run.events == [(1, "deleted"), (2, "failed"), (3, "deleted")]


def test_a_stop_leaves_the_rest_without_an_outcome():
    run = Run({})
    record = run.record_event

    def record_and_stop(outcome):
        record(outcome)
        run.stopped = 15

    run.record_event = record_and_stop
    assert removal.delete(run, removal.MIRROR, 7, [1, 2, 3]) == 1
    assert run.events == [(1, "deleted")]


def test_a_key_that_holds_no_more_ends_the_run():
    run = Run({2: UnauthorizedError})
    with pytest.raises(UnauthorizedError):
        removal.delete(run, removal.MIRROR, 7, [1, 2, 3])
    assert run.events == [(1, "deleted")]
