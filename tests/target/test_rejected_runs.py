"""Runs in which too much is rejected: they do not look like success, and come again."""

import pytest

from target_clicksend import run as run_module
from tests.target.messages.cases import TO
from tests.target.runner import line_of, stream_of

STATE = {"type": "STATE", "value": {"bookmarks": {"n": 1}}}
BAD = {"to": "nobody"}


def states(ran):
    return [one["bookmarks"]["n"] for one in ran.states]


def texts(bad, good=0, start=1):
    rows = [*[BAD] * bad, *[{"to": TO, "body": f"Hello {n}"} for n in range(good)]]
    return stream_of("sms_messages", [{"id": start + n, **row} for n, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("bad", "good", "code", "written"),
    [
        (9, 0, 0, True),
        (10, 0, 1, False),
        (25, 0, 1, False),
        (10, 10, 0, True),
        (12, 11, 1, True),
        (1, 9, 0, True),
    ],
)
def test_nothing_but_rejected_rows_is_not_success(out, bad, good, code, written):
    ran = out.run([*texts(bad, good), STATE])
    assert ran.rows("sms_messages") == {"rejected": bad} | ({"sent": good} if good else {})
    assert (ran.code, states(ran)) == (code, [1] if written else [])
    said = f"sms_messages: all {bad} rows were rejected"
    assert (said in str(ran.report["notes"])) == (not written)


def test_of_two_sinks_one_is_enough(out):
    ran = out.run([*texts(0, 3), *stream_of("voice_messages", [{"id": n, **BAD} for n in range(10)]), STATE])
    assert (ran.rows("sms_messages"), ran.code, states(ran)) == ({"sent": 3}, 1, [])


def test_the_state_waits_for_the_first_row_that_is_not_rejected(out):
    later = {"type": "STATE", "value": {"bookmarks": {"n": 2}}}
    ran = out.run([*texts(30), STATE, *texts(0, 30, start=50), later], batch_size_rows=10)
    assert (ran.code, states(ran)[-1]) == (0, 2)
    other = {"batch_size_rows": 10, "key_namespace": "other"}
    ran = out.run([*texts(30), STATE, *texts(20, 0, start=50), later], **other)
    assert (ran.code, states(ran)) == (1, [])


def test_a_state_has_outcomes_committed_after_a_while(out, monkeypatch):
    monkeypatch.setattr(run_module, "COMMIT_SECONDS", 0.0)
    schema, *rows = stream_of("cancellations", [{"id": 1, "_sdc_deleted_at": "2026-01-31"}, *[{"id": 2}] * 2])
    given = [{"type": "STATE", "value": {"bookmarks": {"n": n}}} for n in range(3)]
    ran = out.run([schema, *(one for pair in zip(rows, given, strict=True) for one in pair)])
    assert (ran.rows("cancellations"), states(ran)) == ({"suppressed": 1, "rejected": 2}, [0, 1, 2])


def test_no_state_passes_the_first_rejected_rows_of_many(out, monkeypatch):
    """However slowly they come: nobody knows yet that all the others are like them."""
    monkeypatch.setattr(run_module, "COMMIT_SECONDS", 0.0)
    schema, *rows = texts(12)
    ran = out.run([schema, *(one for row in rows for one in (row, STATE))])
    assert (ran.rows("sms_messages"), ran.code, states(ran)) == ({"rejected": 12}, 1, [])


@pytest.mark.parametrize(("share", "code"), [(0, 1), (0.2, 1), (0.4, 0), (1, 0)])
def test_a_setting_counts_from_the_first_row_on(out, share, code):
    assert out.run([*texts(1, 2)], fail_on_rejected=share).code == code


def test_lines_that_are_no_messages(out):
    garbage = [b"{broken"] * 12
    ran = out.run([*texts(0, 20), *garbage, STATE])
    assert (ran.code, states(ran)) == (0, [1])
    ran = out.run([*garbage, STATE])
    assert (ran.code, states(ran)) == (1, [])


@pytest.mark.parametrize("sink", ["contacts", "contact_lists"])
def test_other_sinks_too(out, sink):
    row = {"contacts": {"phone_number": "12", "list_name": "Customers"}, "contact_lists": {"list_name": None}}
    rows = [{"id": n, **row[sink]} for n in range(10)]
    ran = out.run([*stream_of(sink, rows), STATE])
    assert (ran.rows(sink), ran.code, states(ran)) == ({"rejected": 10}, 1, [])


@pytest.mark.parametrize("setting", [{"list_name": "No such list"}, {"list_id": 17}])
def test_a_list_that_a_setting_names_and_that_is_not_there(out, setting):
    ran = out.run([*stream_of("contacts", [{"phone_number": TO}]), STATE], **setting)
    assert (ran.rows("contacts"), ran.code, states(ran)) == ({}, 1, [])
    assert "The setting says so" in str(ran.report["error"])
    assert not [one for one in ran.requests if one["method"] != "GET"]


def test_what_was_sent_long_ago_is_a_duplicate_whatever_is_wrong_with_it_now(out):
    """A template that is gone, a number that was cleared, a time that has passed."""
    rows = [{"id": n, "to": TO, "body": f"Hello {n}"} for n in range(6)]
    assert out.run(stream_of("sms_messages", rows)).rows("sms_messages") == {"sent": 6}
    wrong = [
        {"to": None},
        {"to": "nobody"},
        {"body": None},
        {"body": "Hi {name}"},
        {"schedule": "2020-01-01T00:00:00Z"},
        {"send_before": "2020-01-01T00:00:00Z"},
    ]
    changed = [row | fault for row, fault in zip(rows, wrong, strict=True)]
    for config in ({}, {"max_messages_per_run": 100}):
        ran = out.run(stream_of("sms_messages", changed), **config)
        assert (ran.rows("sms_messages"), ran.code) == ({"duplicate": 6}, 0)
    new = [row | {"id": f"new {row['id']}"} for row in changed]
    assert out.run(stream_of("sms_messages", new)).rows("sms_messages") == {"rejected": 6}


def test_the_order_of_bytes_does_not_matter(out):
    assert out.run([line_of(one).rstrip() for one in texts(10)]).code == 1
