"""clicksend verify: codes through the hub, each call made once, no number in full."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main

NUMBER = "+61491570156"
PLAIN = "0491 570 156"


@pytest.fixture
def verify(box, tmp_path):
    """Return a function that runs ``clicksend verify`` with a config file."""

    def verify(*arguments, code=0, **settings):
        path = tmp_path / "hub.json"
        given = {"hub_url": box.url, "api_key": "sandbox-key", "default_country": "AU", **settings}
        path.write_text(json.dumps(given))
        result = CliRunner().invoke(main, ["verify", *arguments, "--config", str(path)])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert NUMBER[3:] not in result.output.replace(" ", "")
        return result.output

    return verify


def calls(box):
    return [one["body"] for one in box.requests() if one["path"] == "/v1/run"]


@pytest.mark.parametrize("envelope", [True, False])
def test_a_code_is_sent_and_checked(box, verify, envelope):
    box.control("POST", "switches", {"run_envelope": envelope})
    assert verify("send", PLAIN) == "A code is on its way to +614915*****.\n"
    assert "once more" in verify("send", NUMBER)
    assert "wrong" in verify("check", PLAIN, "123456", code=1)
    assert "+614915***** is verified" in verify("check", PLAIN, "000000")
    assert "has expired" in verify("check", PLAIN, "000000", code=1)
    assert len(calls(box)) == 5
    assert {json.dumps(call["inputs"]["target"]) for call in calls(box)} == {
        json.dumps({"type": "phone_number", "value": NUMBER})
    }


def test_the_language_can_be_chosen(box, verify):
    verify("send", NUMBER, "--locale", "fr-FR")
    (call,) = calls(box)
    assert call["inputs"]["options"] == {"locale": "fr-FR"}


@pytest.mark.parametrize("number", ["12", "0491 570 156 or 157", "somebody", "+6149157015612345"])
def test_a_number_that_is_none_is_not_called(box, verify, number):
    assert "NUMBER" in verify("send", number, code=2)
    assert "country code" in verify("check", PLAIN, "000000", code=2, default_country=None)
    assert calls(box) == []


@pytest.mark.parametrize("kind", ["reset_after", "half_body", "html"])
def test_nothing_is_repeated(box, verify, kind):
    box.control("POST", "faults", {"path": "/v1/run", "kind": kind, "times": -1})
    output = verify("send", NUMBER, code=1)
    assert "POST /v1/run" in output
    assert len(box.requests()) == 1
    if kind == "reset_after":
        assert "may have been done all the same" in output


def test_statuses_that_mean_no(monkeypatch, verify):
    from clicksend.hub import Hub

    answers = {
        "blocked": "suspicious",
        "challenged": "a person",
        "new_one": "new_one",
        NUMBER: "without a known status",
    }
    for status, sentence in answers.items():
        monkeypatch.setattr(Hub, "verify_send", lambda *_, status=status: {"status": status})
        assert sentence in verify("send", NUMBER, code=1)
    monkeypatch.setattr(Hub, "verify_check", lambda *_: [])
    assert "without a known status" in verify("check", NUMBER, "1", code=1)


OTHERS_SUCCESS = [
    {"status": "success"},
    {"status": "success", "data": {"status": "failure"}},
    {"status": "success", "data": {"id": "v1", "status": "failure"}},
    {"status": "success", "id": "v1", "data": {"status": "failure"}},
    {"status": "success", "result": {"status": "success"}},
    {"status": "success", "result": "done"},
    {"status": "success", "id": 7},
    {"status": "success", "result": {"id": "v1", "status": "success", "error": {"code": "x"}}},
    {"status": "success", "result": {"id": "v1", "status": "success", "error": "x"}},
    {"status": "failed", "result": {"id": "v1", "status": "success"}},
    {"status": "success", "id": "v1", "error": "x"},
]


@pytest.mark.parametrize("body", OTHERS_SUCCESS, ids=str)
def test_a_success_that_is_not_the_providers_own_is_no_answer(box, verify, body):
    box.control("POST", "faults", {"path": "/v1/run", "kind": "body_after", "body": body, "times": -1})
    assert "right" not in verify("check", NUMBER, "1", code=1)
    assert "on its way" not in verify("send", NUMBER, code=1)


@pytest.mark.parametrize("own", [{"id": "v1"}, {"request_id": "r1"}], ids=str)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda own: own,
        lambda own: {"status": "success", "result": own},
        lambda own: {"data": {"result": own}},
    ],
)
def test_the_providers_own_success_counts_in_any_known_wrapping(box, verify, own, wrap):
    body = wrap(own | {"status": "success"})
    box.control("POST", "faults", {"path": "/v1/run", "kind": "body", "body": body, "times": -1})
    assert "is verified" in verify("check", NUMBER, "1")
    assert "on its way" in verify("send", NUMBER)
    wrong = wrap({"status": "failure"})
    box.control("DELETE", "faults")
    box.control("POST", "faults", {"path": "/v1/run", "kind": "body", "body": wrong})
    assert "The code is wrong" in verify("check", NUMBER, "1", code=1)


def test_what_is_wrong_is_said_in_a_sentence(box, verify):
    assert "SKILLBOSS_API_KEY" in verify("send", NUMBER, code=2, username="somebody")
    assert "default_country" in verify("send", NUMBER, code=2, default_country="Australia")
    assert "SKILLBOSS_API_KEY" in verify("send", NUMBER, code=1, api_key="wrong")
    box.control("POST", "switches", {"hub_balance": "empty"})
    assert "top up" in verify("send", NUMBER, code=1)
    result = CliRunner().invoke(main, ["verify", "send", NUMBER])
    assert result.exit_code == 2
    assert "api_key is missing" in result.output


def test_number_and_code_can_come_from_standard_input(box, tmp_path):
    path = tmp_path / "hub.json"
    path.write_text(json.dumps({"hub_url": box.url, "api_key": "sandbox-key"}))
    for arguments, given, says in (
        (("send", "-"), f"{NUMBER}\n", "A code is on its way"),
        (("check", "-", "-"), f"{NUMBER}\n000000\n", "is verified"),
        (("check", "-", "-"), f"{NUMBER}\n", "has no line for it"),
    ):
        result = CliRunner().invoke(main, ["verify", *arguments, "--config", str(path)], input=given)
        assert says in result.output
