"""What a run says when it ends: never a value of a row, and what a person does next."""

from datetime import UTC, datetime, timedelta

import pytest

from clicksend.errors import ClickSendError
from clicksend.exit_codes import UNEXPECTED
from clicksend.ledger.records import Unknown
from target_clicksend.run import Run
from target_clicksend.summary import LOOK, RECONCILE, next_command, summarize

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("could not convert Anna"), f"ValueError. {UNEXPECTED}"),
        (ClickSendError("GET /lists answered 500 to +15550100"), "GET /lists answered 500 to [number]"),
    ],
)
def test_an_error_is_reported_without_what_it_quotes(error, said):
    run = Run({"dry_run": False, "fail_on_conflict": False})
    summarize(run, error)
    assert (run.report.error, run.report.exit_code) == (said, 1)


@pytest.mark.parametrize(
    ("sinks", "command"),
    [
        ({"sms_messages": 1}, RECONCILE),
        ({"sms_messages": 25}, LOOK),
        ({"sms_messages": 25, "voice_messages": 1}, RECONCILE),
        ({"notifications": 1, "cancellations": 1}, LOOK),
        ({"notifications": 1, "mms_messages": 1}, RECONCILE),
    ],
)
def test_what_a_history_may_still_show_is_looked_up_before_anybody_decides(sinks, command):
    unknown = {
        sink: Unknown(
            count=1, since=NOW - timedelta(hours=hours), run_ids=("run 1",), leased=0, leased_until=None
        )
        for sink, hours in sinks.items()
    }
    assert next_command(unknown, NOW) == command
