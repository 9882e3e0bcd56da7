"""Meltano with plugin definitions written by hand: what they do not declare never goes unnoticed."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time

import pytest
import yaml

from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend
from tests.e2e.checkout import ROOT, run
from tests.e2e.meltano_project import MELTANO
from tests.library.setting_cases import is_a, settings
from tests.tap.runner import CREDENTIALS
from tests.target.runner import line_of, stream_of

pytestmark = pytest.mark.long
NAMES = ["api_url", "username", "api_key", "ledger_url"]
"""All that the definitions declare."""
SENT = [{"to": f"+6149157015{number}", "body": f"Hello {number}"} for number in range(6, 9)]


def plugin(name, **more):
    return {
        "name": name,
        "namespace": name.replace("-", "_"),
        "executable": f"./{name}",
        "settings": [{"name": one} for one in NAMES],
        **more,
    }


@pytest.fixture
def project(box, hub, tmp_path):
    """Return a function that runs Meltano in a project with tap and target from this checkout."""
    for name in ("tap_clicksend", "target_clicksend"):
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {name}.__main__ import main; main()"
        program = tmp_path / name.replace("_", "-")
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-c", code])} "$@"\n')
        program.chmod(0o755)
    rows = [row | {"made": int(time.time())} for row in SENT]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(map(line_of, stream_of("sms_messages", rows))))

    class Project:
        path = tmp_path

        def __init__(self):
            self.tap = plugin("tap-clicksend", capabilities=["catalog", "discover", "state"])
            self.target = plugin("target-clicksend")
            self.others = []

        def __call__(self, *arguments, **variables):
            """Return exit code and output."""
            content = {
                "send_anonymous_usage_stats": False,
                "default_environment": "test",
                "environments": [{"name": "test"}],
                "plugins": {"extractors": [self.tap], "loaders": [self.target, *self.others]},
            }
            (tmp_path / "meltano.yml").write_text(yaml.safe_dump(content))
            env = {
                f"{prefix}_CLICKSEND_{name.upper()}": value
                for prefix in ("TAP", "TARGET")
                for name, value in {**CREDENTIALS, "api_url": box.api_url}.items()
            }
            env["TARGET_CLICKSEND_LEDGER_URL"] = f"sqlite:///{tmp_path}/l.db"
            done = run(tmp_path, "-c", MELTANO, *arguments, MELTANO_HUB_URL=hub.url, **env | variables)
            return done.returncode, done.stdout + done.stderr

        def send(self, name="target-clicksend", **variables):
            return self("invoke", name, "--input", str(tmp_path / "rows.jsonl"), **variables)

    return Project()


def sent(box):
    return [
        message["to"]
        for one in box.requests()
        if (one["method"], one["path"]) == ("POST", "/sms/send")
        for message in one["body"]["messages"]
    ]


def told(output):
    """Return the definitions that a run asks for."""
    return [yaml.safe_load(one)[0] for one in re.findall(r"add (- \{.*?\})", output)]


def test_what_is_not_declared_sends_nothing_and_what_the_sentence_says_mends_it(project, box):
    wishes = {"TARGET_CLICKSEND_DRY_RUN": "true", "TARGET_CLICKSEND_TEST_RECIPIENT": "+61491570110"}
    code, output = project.send(**wishes)
    assert code == 2, output
    for variable in wishes:
        assert f"{variable} is set, but" in output
    assert "Traceback" not in output
    assert "61491570110" not in output
    assert not box.requests()

    project.target["settings"] += told(output)
    code, output = project.send(**wishes)
    assert code == 0, output
    assert not sent(box)
    code, output = project.send(**wishes | {"TARGET_CLICKSEND_DRY_RUN": ""})
    assert (code, sent(box)) == (0, ["+61491570110"] * len(SENT)), output


def test_a_pipe_ends_before_anything_goes_through(project, box):
    code, output = project("run", "tap-clicksend", "target-clicksend", TAP_CLICKSEND_PII="drop")
    assert code == 1
    assert "TAP_CLICKSEND_PII is set, but pii did not arrive" in output
    assert told(output) == [{"name": "pii"}] * len(told(output)) != []
    assert not box.requests()


def test_each_declaration_that_is_asked_for_is_one_that_meltano_takes(project):
    """All settings at once: first each is asked for, then each has arrived."""
    project.target["settings"] = []
    project.target["config"] = {}
    code, output = project.send()
    assert code == 2
    asked = told(output)
    assert {one["name"] for one in asked} == {*NAMES}
    assert {one["name"] for one in asked if one.get("sensitive")} == {"api_key", "ledger_url"}
    project.target["settings"] = asked
    assert project.send()[0] == 0


FRACTIONS = {
    plugin: [name for kind, name, schema in settings() if kind is plugin and is_a(schema, "number")]
    for plugin in (TapClickSend, TargetClickSend)
}


@pytest.mark.parametrize("kind", FRACTIONS)
def test_numbers_with_a_fraction_come_from_the_environment(project, kind):
    for mine, where in ((project.tap, "extractors"), (project.target, "loaders")):
        file = ROOT / "plugins" / where / f"{mine['name']}.yml"
        mine["settings"] = yaml.safe_load(file.read_text())["settings"]
    prefix = kind.name.upper().replace("-", "_")
    variables = {f"{prefix}_{name.upper()}": "0.75" for name in FRACTIONS[kind]}
    if kind is TapClickSend:
        code, output = project("invoke", "tap-clicksend", "--test", **variables)
    else:
        assert len(variables) > 6
        variables["TARGET_CLICKSEND_CREATED_AT_COLUMN"] = "made"
        code, output = project.send(TARGET_CLICKSEND_DRY_RUN="true", **variables)
    assert code == 0, output


def test_what_meltano_sets_by_itself_ends_nothing(project, box):
    """Parts of objects, extras, and what a plugin that inherits has from its parent."""
    project.tap["config"] = {"stream_maps": {"lists": {"a-b": "list_id", "c": None}, "__else__": None}}
    project.tap["select"] = ["lists.*"]
    project.tap["metadata"] = {"lists": {"replication-method": "FULL_TABLE"}}
    project.tap["settings"] += [{"name": "start_date", "kind": "date_iso8601"}]
    code, output = project("invoke", "tap-clicksend", "--test", TAP_CLICKSEND_START_DATE="3 days ago")
    assert code == 0, output

    project.target["settings"] += [
        {"name": "dry_run", "kind": "boolean", "aliases": ["dryrun"]},
        {"name": "stream_maps", "kind": "object"},
        {"name": "quiet_hours", "kind": "object"},
        {"name": "streams", "kind": "object", "value": {}},
    ]
    project.target["config"] = {
        "streams": {"public-texts": "sms_messages"},
        "stream_maps": {"public-texts": {"to": "phone"}},
        "quiet_hours": {"start": "02:00", "end": "02:01"},
        "stream_map_config": {"share": 0.5, "day": "2026-10-01"},
        "opt_out_keywords": ["STOP"],
        "max_deletes": 0.25,
    }
    project.others = [{"name": "target-clicksend-texts", "inherit_from": "target-clicksend"}]
    maps = json.dumps({"sms_messages": {"body": "body"}})
    for name, prefix in (("target-clicksend", "TARGET_CLICKSEND"), ("target-clicksend-texts", None)):
        own = {f"{prefix or 'TARGET_CLICKSEND_TEXTS'}_STREAM_MAPS": maps}
        code, output = project.send(name, TARGET_CLICKSEND_TEXTS_QUIET_HOURS_START="01:59", **own)
        assert code == 0, output
    code, output = project.send(TARGET_CLICKSEND_DRYRUN="yes")
    assert code == 0, output
    before = len(sent(box))
    code, output = project.send(
        "target-clicksend-texts", TARGET_CLICKSEND_TEXTS_TEST_RECIPIENT="+61491570110"
    )
    assert code == 2
    assert told(output) == [{"name": "test_recipient"}]
    assert len(sent(box)) == before
