"""Which rows: a run's report names some of each reason's, and the ledger finds one by its key properties."""

import json
from datetime import datetime

import pytest
from click.testing import CliRunner

import clicksend
from clicksend.cli import command as main
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import stream_of


@pytest.fixture
def command(out, tmp_path):
    """Return a function that runs ``clicksend ledger`` with the settings of the target."""

    def command(*arguments, code=0, **settings):
        path = tmp_path / "target.json"
        config = {"api_url": out.api_url, "ledger_url": out.ledger_url, **CREDENTIALS, **settings}
        path.write_text(json.dumps(config))
        result = CliRunner().invoke(main, ["ledger", *map(str, arguments), "--config", str(path)])
        assert result.exit_code == code, result.output
        return result.output

    return command


def texts(*rows, keys=("id",)):
    return stream_of("sms_messages", [{"to": TO, "body": "Hello", **row} for row in rows], keys)


def test_a_reason_names_some_of_its_rows(out):
    bad = [{"id": n, "to": "12"} for n in range(8)]
    ran = out.run(texts(*bad, {"id": 9, "body": None}, {"id": 10}))
    found = {one["reason"]: one["source_keys"] for one in ran.report["reasons"]}
    assert sorted(map(len, found.values())) == [1, 5]
    assert [{"id": 9}] in found.values()
    assert [{"id": n} for n in range(5)] in found.values()


def test_a_personal_key_is_not_named_in_clear(out, tmp_path):
    row = {"to": OTHER, "body": None}
    ran = out.run(stream_of("sms_messages", [row], ["to"]), report_path=f"{tmp_path}/report.json")
    ((key,),) = (one["source_keys"] for one in ran.report["reasons"])
    assert key.keys() == {"to"}
    assert OTHER not in (tmp_path / "report.json").read_text()


def test_the_report_says_what_the_run_was_of(out, monkeypatch):
    monkeypatch.setenv("MELTANO_ENVIRONMENT", "prod")
    state = {"type": "STATE", "value": {"bookmarks": {}}}
    report = out.run([*texts({"id": 1}), state]).report
    assert report["version"] == clicksend.__version__
    assert datetime.fromisoformat(report["started_at"]) <= datetime.fromisoformat(report["ended_at"])
    about = ("environment", "currency", "state_written", "lists_created", "test_recipient")
    assert [report[name] for name in about] == ["prod", "USD", True, [], False]
    assert isinstance(report["account"], int)
    assert report["ledger"] == out.ledger_url
    tried = out.run([*texts({"id": 2}), state], test_recipient=OTHER).report
    assert (tried["state_written"], tried["test_recipient"]) == (False, True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        (
            "postgresql+psycopg://u:s3cr3t@h:5432/db?sslmode=require&password=x",
            "postgresql+psycopg://h:5432/db",
        ),
        ("postgresql+psycopg://u:s3@cr/3t@h/db", "postgresql+psycopg://h/db"),
    ],
)
def test_a_ledger_is_named_without_its_password(url, shown):
    from target_clicksend.run import without_credentials

    assert without_credentials(url) == shown


def test_lists_that_were_created_are_named(out, call):
    row = {"phone_number": TO, "list_name": "Brand new"}
    report = out.run(stream_of("contacts", [row]), create_missing_lists=True).report
    (made,) = (
        one["list_id"] for one in call("GET", "/lists?limit=100")["data"] if one["list_name"] == "Brand new"
    )
    assert report["lists_created"] == [made]


def test_a_dry_run_names_the_currency(out, caplog):
    caplog.set_level("INFO")
    report = out.run(texts({"id": 1}), dry_run=True).report
    assert report["currency"] == "USD"
    assert f"would cost {report['prices']['sms_messages']} USD." in caplog.text


def test_mirror_says_how_many_are_missing_and_for_how_long(out, call, caplog):
    caplog.set_level("INFO")
    made = call("POST", "/lists", {"list_name": "Mirrored"})["list_id"]
    numbers = [f"+6149157{n:04}" for n in range(20)]
    for number in numbers:
        call("POST", f"/lists/{made}/contacts", {"phone_number": number})

    def mirror(some):
        rows = [{"phone_number": number, "list_id": made} for number in some]
        return out.run(stream_of("contacts", rows), contacts_mode="mirror", max_deletes=0.5).report["mirror"]

    assert mirror(numbers[2:]) == [{"list_id": made, "missing_from_inputs": 1, "contacts": 2}]
    assert mirror(numbers[3:]) == [
        {"list_id": made, "missing_from_inputs": 1, "contacts": 1},
        {"list_id": made, "missing_from_inputs": 2, "contacts": 2},
    ]
    assert f"mirror: contacts missing in list {made}, by inputs in a row: 1 from 1, 2 from 2." in caplog.text


def test_the_list_shows_the_rows(out, command):
    out.run(texts({"id": 4711}))
    assert '{"id": 4711}' in command("list")


@pytest.mark.parametrize(
    ("given", "row", "settings"),
    [
        ({"id": 7}, {"id": 7}, {}),
        ({"id": 7}, {"ID": "7"}, {}),
        ({"id": 7}, {"id": 7.0}, {"key_namespace": "shop"}),
        ({"id": 7, "kind": "a"}, {"kind": "a", "id": 7}, {"pii_key": "a key that nobody guesses"}),
        ({"id": 7, "idempotency_key": "k-1"}, {"idempotency_key": "k-1", "id": 7}, {}),
    ],
)
def test_a_row_is_found_by_its_key_properties(out, command, given, row, settings):
    keys = [name for name in given if name != "idempotency_key"]
    out.run(texts(given, {**given, "id": 8, "idempotency_key": None}, keys=keys), **settings)
    output = command("show", "--stream", "sms_messages", "--row", json.dumps(row), **settings)
    assert output.count("outcome_id") == 1
    assert '"id": 8' not in output


def test_a_row_of_a_mapped_stream(out, command):
    settings = {"streams": {"orders": "sms_messages"}, "stream_maps": {"orders": {"body": "'Hi'"}}}
    out.run(stream_of("orders", [{"id": 7, "to": TO}]), **settings)
    assert "sent" in command("show", "--stream", "orders", "--row", '{"id": 7}', **settings)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--stream", "sms_messages", "--row", '{"id": 8}'], 1, "does not know this row"),
        (["--stream", "people", "--row", '{"id": 8}'], 2, "There is no sink for stream people"),
        (["--stream", "sms_messages", "--row", "7"], 2, "is not a valid JSON object"),
        (["--stream", "sms_messages", "--row", "{"], 2, "is not a valid JSON object"),
        (["--stream", "sms_messages", "--row", '{"id": null}'], 1, "--row has no key"),
        (["--stream", "sms_messages"], 2, "Give a KEY, or --stream and --row."),
        (["--row", '{"id": 8}'], 2, "Give a KEY, or --stream and --row."),
        (["key", "--stream", "sms_messages", "--row", '{"id": 8}'], 2, "Give a KEY, or --stream and --row."),
        ([], 2, "Give a KEY, or --stream and --row."),
    ],
)
def test_what_cannot_be_shown(out, command, arguments, code, said):
    out.run(texts({"id": 7}))
    assert said in command("show", *arguments, code=code)
