"""Which code counts where several processes, and their reports, tell different ones."""

from __future__ import annotations

import pytest

from clicksend.airflow.ending import counts, judge, read_report


def report(code, **more):
    return {"exit_code": code, **more}


@pytest.mark.parametrize(
    ("codes", "reports", "code"),
    [
        ([0, 0], [], 0),
        ([0], [report(0), report(0)], 0),
        ([1, 0], [], 1),
        ([0, 7], [], 7),
        ([141, 1], [], 1),  # the target failed, so the tap could write no more
        ([1, 3], [], 3),  # unknown sends want a person, whatever else went wrong
        ([2, 1], [], 2),
        ([2, 3], [], 3),
        ([1], [None, report(3)], 3),  # `meltano run`
        ([1], [report(2), None], 2),
        ([1], [report(0), report(0)], 1),  # the target wrote its report, and Meltano failed after it
        ([1, 143], [], 143),
        ([130, 1], [], 130),
        ([143, 143], [report(143), report(143)], 143),
        ([143], [None, report(3)], 3),
        ([1], [None, report("3")], 1),  # not a code
    ],
)
def test_the_code_that_tells_what_to_do(codes, reports, code):
    ended = judge(codes, reports)
    assert ended.code == code
    assert ended.is_final == (code in (2, 3))
    assert bool(ended.sentence) == bool(code)


@pytest.mark.parametrize(
    ("found", "said"),
    [(1, "1 message is unknown"), (20, "20 messages are unknown"), (None, "Some messages are unknown")],
)
def test_unknown_sends_are_counted(found, said):
    ended = judge([0, 3], [None, report(3, unknown_open=found)])
    assert ended.sentence.startswith(said)
    assert ended.sentence.endswith("Next: clicksend ledger reconcile")


def test_the_next_step_is_the_reports():
    ended = judge([0, 3], [None, report(3, unknown_open=2, next="clicksend ledger list --outcome unknown")])
    assert ended.sentence.endswith("Next: clicksend ledger list --outcome unknown")


def test_what_was_done_before_an_error_is_said():
    rows = {"sms_messages": {"sent": 1200, "failed": 3}}
    ended = judge([0, 1], [None, report(1, rows=rows, error="the balance is used up")])
    assert "sms_messages 1,200 sent, sms_messages 3 failed." in ended.sentence
    assert ended.sentence.endswith("the balance is used up")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"null", b"\xff"])
def test_a_report_that_is_none_is_left_out(content, tmp_path):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    assert read_report(path) is None
    assert counts(None) is None


def test_only_counts_are_shown():
    told = report(0, rows={"a": {"read": 1}}, samples=[{"body": "x"}], reasons=[{"source_keys": ["x"]}])
    assert counts(told) == {"exit_code": 0, "rows": {"a": {"read": 1}}}
