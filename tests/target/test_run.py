"""What a run lets out, whoever made the text, and that it does not begin after its end."""

import json
import signal

import pytest

from clicksend.errors import StoppedError
from target_clicksend.row import Row
from target_clicksend.run import Run, without_credentials
from tests.tap.runner import CREDENTIALS

SAID = "the server said +15550100, anna@example.com \x1b[2J"


@pytest.fixture
def run(ledger):
    run = Run({"dry_run": False})
    run.ledger = ledger
    return run


def test_reasons_name_nobody_in_the_ledger(run):
    run.record_outcome(Row(run.open_row(), "people", "7", "{}", {}), "contacts", "failed", SAID)
    run.commit()
    (row,) = run.ledger.outcomes.newest()
    assert row["reason"].startswith("the server said [number], [address] ")
    assert row["reason"].isprintable()


@pytest.mark.parametrize("how", ["warn", "error"])
def test_notes_name_nobody_in_the_report(run, how):
    getattr(run, how)(SAID)
    (note,) = run.report.notes
    assert note.startswith("the server said [number], [address] ")
    assert note.isprintable()
    assert run.failed == (how == "error")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///ledger.db", "sqlite:///ledger.db"),
        ("postgresql://ann:s3cret@db.example/ledger", "postgresql://db.example/ledger"),
        ("postgresql://ann:s3@cret@db.example/ledger", "postgresql://db.example/ledger"),
        ("postgresql://db.example/ledger?user=ann&password=s3cret", "postgresql://db.example/ledger"),
    ],
)
def test_the_report_names_the_ledger_without_credentials(url, shown):
    assert without_credentials(url) == shown
    run = Run({"dry_run": False, "ledger_url": url})
    assert "s3cret" not in json.dumps(run.about())


def test_a_connection_that_is_made_after_a_signal_asks_for_nothing():
    with Run({"dry_run": False, "api_url": "http://127.0.0.1:9/v3", **CREDENTIALS}) as run:
        run.stop(signal.SIGTERM)
        with pytest.raises(StoppedError):
            run.client.get("/account")
