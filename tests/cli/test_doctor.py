"""``clicksend doctor``: a line for each check, an exit code to match, nothing private, no traceback."""

import json
import time
from typing import ClassVar

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.sandbox import Sandbox
from clicksend.sandbox.api.access import BANNED
from tests.command import run_command
from tests.tap.runner import CREDENTIALS

RULES = {
    "/automations/sms/receipts": "sms_receipts",
    "/automations/sms/inbound": "sms_inbound",
    "/automations/voice/receipts": "voice_receipts",
}


@pytest.fixture
def doctor(tmp_path):
    """Return a function that runs the command; it gives exit code and lines."""

    def doctor(config, **env):
        path = tmp_path / "config.json"
        path.write_text(config if isinstance(config, str) else json.dumps(config))
        result = CliRunner().invoke(main, ["doctor", "--config", str(path)], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, result.output.splitlines()

    return doctor


@pytest.fixture
def direct(sandbox):
    return {"api_url": sandbox.api_url, **CREDENTIALS}


def answer(sandbox, path, data):
    body = {"http_code": 200, "response_code": "SUCCESS", "data": data}
    sandbox.control("POST", "faults", {"kind": "body", "path": path, "body": body, "times": -1})


def fail(sandbox, path, status):
    sandbox.control("POST", "faults", {"kind": "status", "path": path, "status": status, "times": -1})


def list_rules(sandbox, path, *rules):
    answer(sandbox, path, {"total": len(rules), "per_page": 15, "last_page": 1, "data": list(rules)})


def line_of(lines, subject):
    (line,) = (line for line in lines if line[2:].startswith(f"{subject}:"))
    return line


def test_all_is_well(doctor):
    with Sandbox(messages=100, contacts=20, epoch=int(time.time())) as box:
        for path in RULES:
            list_rules(box, path, {"action": "POLL", "enabled": 1})
        keys = {"CLICKSEND_USERNAME": "sandbox", "CLICKSEND_API_KEY": "sandbox-key"}
        code, lines = doctor({"api_url": box.api_url}, **keys)
        messages, url = box.state()["rows"]["sms_history"], box.api_url
    assert code == 0
    assert [line[0] for line in lines] == ["✓"] * 12
    assert lines[:2] == [
        "✓ keys: CLICKSEND_USERNAME, CLICKSEND_API_KEY set; SKILLBOSS_API_KEY not set.",
        f"✓ access: direct (HTTP Basic), {url}",
    ]
    account = line_of(lines, "account")
    assert account.startswith("✓ account: active, balance 99")
    assert account.endswith(" USD.")
    assert line_of(lines, "voice") == "✓ voice: access."
    for stream in RULES.values():
        assert line_of(lines, stream) == f"✓ {stream}: 1 rule with the action POLL."
    assert line_of(lines, "history").startswith(f"✓ history: {messages} SMS, the oldest of 20")
    assert "GET /account 20," in line_of(lines, "limits")
    assert "GET /sms/history 6000," in line_of(lines, "limits")


def test_a_wrong_key_stops_it_early(sandbox, direct, doctor):
    code, lines = doctor({**direct, "api_key": "s3cr3t-wrong-key"})
    assert code == 1
    assert lines[0].endswith("; api_key in the config file.")
    assert line_of(lines, "account").startswith(
        "✗ account: GET /account answered 401 UNAUTHORIZED. The key was"
    )
    assert "not checked without the account" in lines[-1]
    assert len(sandbox.requests()) == 1
    assert "s3cr3t" not in "".join(lines)


@pytest.mark.parametrize("kind", ["dead", "html", "reset_before", "half_body"])
def test_a_server_that_is_none(sandbox, direct, doctor, kind):
    if kind == "dead":
        direct["api_url"] = "http://127.0.0.1:9/v3"
    else:
        sandbox.control("POST", "faults", {"kind": kind, "times": -1})
    started = time.monotonic()
    code, lines = doctor(direct)
    assert code == 1
    assert "Check api_url" in line_of(lines, "account")
    assert time.monotonic() - started < 10


def test_no_voice_access_is_worth_knowing_and_nothing_wrong(sandbox, direct, doctor):
    sandbox.control("POST", "switches", {"voice_access": False})
    code, lines = doctor(direct)
    assert code == 0
    assert line_of(lines, "voice").startswith("! voice: no access. Ask ClickSend for it, or deselect")


@pytest.mark.parametrize("status", [403, 404, 405])
def test_rules_that_are_not_served_are_unknown(sandbox, direct, doctor, status):
    fail(sandbox, "/automations/*", status)
    code, lines = doctor(direct)
    assert code == 0
    for path, stream in RULES.items():
        assert line_of(lines, stream).startswith(f"! {stream}: unknown, since GET {path} is not served.")


def test_only_enabled_poll_rules_count(sandbox, direct, doctor):
    receipts, inbound, voice = RULES
    list_rules(sandbox, receipts, {"action": "URL"}, {"action": "POLL", "enabled": "0"})
    list_rules(
        sandbox, inbound, {"action": "poll"}, {"action": "POLL", "enabled": 1}, {"action": "EMAIL_USER"}
    )
    list_rules(sandbox, voice)
    code, lines = doctor(direct)
    assert code == 0
    assert line_of(lines, "sms_receipts").startswith(
        "! sms_receipts: stays empty, no rule has the action POLL"
    )
    assert line_of(lines, "sms_inbound") == "✓ sms_inbound: 2 rules with the action POLL."
    assert line_of(lines, "voice_receipts").startswith("! voice_receipts: stays empty")


class TestSenders:
    """Which senders beside the rented numbers a message may name."""

    PATHS: ClassVar = {"own numbers": "/own-numbers", "alpha tags": "/alpha-tags"}

    def test_what_is_approved(self, direct, doctor):
        code, lines = doctor(direct)
        assert code == 0
        own = "✓ own numbers: 1 that from may name (US); 1 not approved."
        assert line_of(lines, "own numbers") == own
        tags = "✓ alpha tags: 2 that from may name (ACME, ACMEnews); 1 not approved."
        assert line_of(lines, "alpha tags") == tags
        assert "+18019234886" not in "".join(lines)

    @pytest.mark.parametrize("status", [403, 404, 405])
    @pytest.mark.parametrize("subject", PATHS)
    def test_not_served_is_worth_knowing_and_nothing_wrong(self, sandbox, direct, doctor, subject, status):
        fail(sandbox, self.PATHS[subject], status)
        code, lines = doctor(direct)
        assert code == 0
        expected = f"! {subject}: unknown, since GET {self.PATHS[subject]} is not served."
        assert line_of(lines, subject).startswith(expected)

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([], "✓ alpha tags: none that from may name."),
            (
                [{"alpha_tag": "ACME", "status": "PENDING"}],
                "✓ alpha tags: none that from may name; 1 not approved.",
            ),
            (
                [
                    {"alpha_tag": "+15551234567", "status": "approved"},
                    {"alpha_tag": "b" * 99, "status": "APPROVED"},
                ],
                "✓ alpha tags: 2 that from may name.",
            ),
            ([{"status": "APPROVED"}] * 500, "✓ alpha tags: 500 or more that from may name."),
        ],
    )
    def test_what_it_says(self, sandbox, direct, doctor, rows, said):
        body = {"alpha_tags": rows, "_metadata": {}}
        sandbox.control("POST", "faults", {"kind": "body", "path": "/alpha-tags", "body": body, "times": -1})
        assert line_of(doctor(direct)[1], "alpha tags") == said

    @pytest.mark.parametrize("body", [{}, {"alpha_tags": None}, {"alpha_tags": ["ACME"]}, []])
    def test_an_unknown_shape_is_no_traceback(self, sandbox, direct, doctor, body):
        sandbox.control("POST", "faults", {"kind": "body", "path": "/alpha-tags", "body": body, "times": -1})
        code, lines = doctor(direct)
        assert code == 1
        assert line_of(lines, "alpha tags").startswith("✗ alpha tags: ")


class TestHub:
    """Access through the hub, and its own call."""

    @pytest.fixture
    def config(self, sandbox):
        return {"hub_url": sandbox.url}

    def test_all_is_well(self, config, doctor):
        code, lines = doctor(config, SKILLBOSS_API_KEY="sandbox-key")
        assert code == 0
        assert lines[0].startswith("✓ keys: SKILLBOSS_API_KEY set; ")
        assert lines[1] == f"✓ access: through the hub (Bearer), {config['hub_url']}/clicksend/v3"
        assert line_of(lines, "hub") == "✓ hub: the key is accepted (discover)."
        assert "POST /v1/run" in line_of(lines, "limits")

    @pytest.mark.parametrize("hub_paths", ["not_found", "not_allowed"])
    def test_a_hub_without_clicksend(self, sandbox, config, doctor, hub_paths):
        sandbox.control("POST", "switches", {"hub_paths": hub_paths})
        code, lines = doctor(config, SKILLBOSS_API_KEY="sandbox-key")
        assert code == 1
        assert line_of(lines, "hub").startswith("✓")
        assert "This hub does not serve ClickSend's API: connect directly" in line_of(lines, "account")

    def test_an_empty_balance(self, sandbox, config, doctor):
        sandbox.control("POST", "switches", {"hub_balance": "empty"})
        code, lines = doctor(config, SKILLBOSS_API_KEY="sandbox-key")
        assert code == 1
        assert "top up the SkillBoss account" in line_of(lines, "hub")

    def test_direct_access_with_a_hub_key_that_is_wrong(self, direct, config, doctor):
        code, lines = doctor({**direct, **config}, SKILLBOSS_API_KEY="sk-s3cr3t")
        assert code == 1
        assert line_of(lines, "hub").startswith("✗ hub: POST /v1/run answered 401")
        assert line_of(lines, "account").startswith("✓")
        assert "s3cr3t" not in "".join(lines)

    def test_direct_access_alone_never_calls_the_hub(self, sandbox, direct, config, doctor):
        _, lines = doctor({**direct, **config})
        assert not [line for line in lines if "hub:" in line]
        assert "/v1/run" not in [request["path"] for request in sandbox.requests()]


class TestAccount:
    """What the account says about itself, whatever the types."""

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({}, "✓ account: active, balance 12.5 AUD."),
            ({"active": "1.00", "banned": "0", "balance": 12.5}, "✓ account: active, balance 12.5 AUD."),
            ({"banned": 1}, "✗ account: suspended, balance 12.5 AUD. Ask ClickSend's support why."),
            ({"active": "0"}, "✗ account: not active, balance 12.5 AUD. Sign in once"),
            ({"balance": "0.0000"}, "! account: active, balance 0 AUD. Reading works; sending needs"),
            ({"balance": "-3.10"}, "! account: active, balance -3.1 AUD."),
            ({"balance": None, "_currency": None}, "! account: active, balance unknown. Reading works"),
            (
                {"balance": "+15551234567", "_currency": {"currency_name_short": "Zoë"}},
                "! account: active, balance unknown.",
            ),
        ],
    )
    def test_what_it_says(self, sandbox, direct, doctor, changed, said):
        account = {"active": 1, "banned": 0, "balance": "12.50", "_currency": {"currency_name_short": "AUD"}}
        answer(sandbox, "/account", {**account, **changed})
        code, lines = doctor(direct)
        assert line_of(lines, "account").startswith(said)
        assert code == said.startswith("✗")

    @pytest.mark.parametrize("data", [[], "text", None, 5, {"_currency": "AUD", "active": {}}])
    def test_an_unknown_shape_is_no_traceback(self, sandbox, direct, doctor, data):
        answer(sandbox, "*", data)
        code, lines = doctor(direct)
        assert code == 1
        assert "✗ account: the answer has an unknown shape. Check api_url." in lines

    def test_a_suspended_account_that_is_refused(self, direct, doctor):
        code, lines = doctor({**direct, "username": BANNED})
        assert code == 1
        assert "the account is not suspended" in line_of(lines, "account")


class TestHistory:
    """The oldest message."""

    def test_an_order_that_is_ignored(self, sandbox, direct, doctor):
        rows = [{"date": 1_785_323_480}, {"date": 1_785_323_479}]
        answer(sandbox, "/sms/history", {"total": 2, "last_page": 1, "data": rows})
        code, lines = doctor(direct)
        assert code == 0
        assert "the oldest is unknown, since order_by is ignored" in line_of(lines, "history")

    @pytest.mark.parametrize("date", [1_785_323_480, "1785323480", 1_785_323_480_000])
    def test_spellings_of_a_date(self, sandbox, direct, doctor, date):
        answer(sandbox, "/sms/history", {"total": 1, "last_page": 1, "data": [{"date": date}]})
        assert line_of(doctor(direct)[1], "history") == "✓ history: 1 SMS, the oldest of 2026-07-29."

    def test_a_row_without_a_date_is_no_traceback(self, sandbox, direct, doctor):
        answer(sandbox, "/sms/history", {"total": 1, "last_page": 1, "data": [{}]})
        code, lines = doctor(direct)
        assert code == 1
        assert line_of(lines, "history") == "✗ history: the answer has an unknown shape. Check api_url."

    def test_none_yet(self, sandbox, direct, doctor):
        answer(sandbox, "/sms/history", {"total": 0, "last_page": 0, "data": []})
        assert line_of(doctor(direct)[1], "history") == "✓ history: no SMS yet."


def test_a_clock_that_is_off(direct, doctor):
    with Sandbox(messages=0, contacts=0, epoch=int(time.time()) + 3 * 86_400) as box:
        code, lines = doctor({**direct, "api_url": box.api_url})
    assert code == 0
    assert line_of(lines, "clock").startswith("! clock: 2")
    assert " s behind the server's. Set this machine's" in line_of(lines, "clock")


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({}, "api_key is missing"),
        ({"username": "u", "api_key": "sk-s3cr3t"}, "username asks for direct access"),
        ({**CREDENTIALS, "timeout": "s3cr3t"}, "timeout must be of type number"),
        ({**CREDENTIALS, "api_url": "http://example.com"}, "api_url must use https"),
        ("s3cr3t", "is not a valid JSON object"),
        ("[1]", "is not a valid JSON object"),
    ],
)
def test_wrong_settings(doctor, config, named):
    code, lines = doctor(config)
    assert code == 2
    assert named in line_of(lines, "settings")
    assert "s3cr3t" not in "".join(lines)


def test_a_taps_config_does_as_well(direct, doctor):
    assert doctor({**direct, "start_date": "2026-01-01", "page_size": 50})[0] == 0


def test_nothing_private_is_shown_as_a_command_on_any_terminal(sandbox, direct, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(direct))
    arguments = ("doctor", "--config", "config.json")
    done = run_command("clicksend", *arguments, folder=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("ascii")
    assert "ok account: active" in shown
    private = [
        "sandbox-key",
        "+18019234886",
        "user@example.com",
        "Brien",
        "ACME Pty Ltd",
        "THIS-IS-A-LIVE-API-KEY",
    ]
    assert not [value for value in private if value in shown]
