"""What README and docs say to type: each block of commands is run by a test."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
import yaml

from clicksend.cli import command as clicksend
from clicksend.ledger.ledger import Ledger
from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend
from tests.command import environment, run_command
from tests.ledger.cases import ACCOUNT, claim
from tests.pages import PAGES, ROOT, block_of, blocks, filled_in, typed
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import TO, Box
from tests.target.runner import line_of, record, schema, state, stream_of

BLOCKS = [(page, block) for page in sorted(PAGES) for block in blocks(page)]

HERE = "test_commands.py"
RUN_BY = {
    ("README.md", "make demo"): "e2e/test_installing.py",
    ("airflow.md", "make airflow"): "orchestrate/test_page.py",
    ("CHANGELOG.md", ""): "e2e/test_changes.py",
    ("README.md", "meltano add"): "e2e/test_installing.py",
    ("analytics.md", "export DBT_POSTGRES_HOST"): "e2e/test_installing.py",
    ("analytics.md", "pip install -r requirements-dbt.txt"): "e2e/test_installing.py",
    ("codes.md", "clicksend verify send"): HERE,
    ("contacts.md", "TARGET_CLICKSEND_DRY_RUN=true meltano"): "e2e/test_pages.py",
    ("contacts.md", "meltano invoke target-clicksend:ledger"): "e2e/test_pages.py",
    ("meltano.md", "meltano add"): "e2e/test_installing.py",
    ("messages.md", "TARGET_CLICKSEND_DRY_RUN=true"): "e2e/test_pages.py",
    ("messages.md", "TARGET_CLICKSEND_TEST_RECIPIENT="): "e2e/test_pages.py",
    ("messages.md", "meltano invoke tap-postgres-messages"): "e2e/test_pages.py",
    ("messages.md", "meltano run messages"): "e2e/test_pages.py",
    ("privacy.md", "clicksend ledger forget"): HERE,
    ("privacy.md", "clicksend ledger key export"): HERE,
    ("probe.md", "clicksend probe"): "cli/test_probe_command.py",
    ("probe.md", "clicksend sandbox --dialect probe.json"): "cli/test_probe_command.py",
    ("report.md", "jq -e"): HERE,
    ("runbook.md", ""): "e2e/test_runbook.py",
    ("s3.md", "pip install"): "e2e/test_installing.py",
    ("s3.md", "export MELTANO_SYS_DIR_ROOT"): "e2e/test_state.py",
    ("s3.md", "sed -i"): "e2e/test_installing.py",
    ("sandbox.md", "clicksend sandbox --switches"): HERE,
    ("sandbox.md", "pip install"): "e2e/test_installing.py",
    ("sandbox.md", "curl"): "sandbox/test_docs.py",
    ("start.md", "export CLICKSEND_USERNAME"): "e2e/test_installing.py",
    ("start.md", "export SKILLBOSS_API_KEY"): "e2e/test_installing.py",
    ("start.md", "pip install .       #"): "e2e/test_installing.py",
    ("start.md", "umask 077"): "e2e/test_installing.py",
    ("start.md", "meltano run"): "e2e/test_pages.py",
    ("start.md", "pip install .\n"): HERE,
    ("tap.md", "TAP_CLICKSEND_START_DATE="): "e2e/test_pages.py",
    ("target.md", "clicksend ledger list"): HERE,
    ("target.md", "pip install .\n"): HERE,
}
"""The test that runs a block, by page and beginning; "" stands for all of a page."""
MELTANO = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
FILES = yaml.safe_load((ROOT / "files.meltano.yml").read_text(encoding="utf-8"))
TEXT = {"phone_number": "+61412345678", "first_name": "Zoë"}
OPTIONS = {"tap-clicksend": TapClickSend, "target-clicksend": TargetClickSend}


def keys_of(page, block):
    block = re.sub(r"--environment=\S+ ", "", block)
    return [key for key in RUN_BY if key[0] == page and block.startswith(key[1])]


def prose(page):
    """Return a page without its blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def lines_of(name):
    """Return the pages and words of the command lines that call a program, without what is around them.

    Of blocks, and of what stands in a sentence as code.
    """
    spans = [
        (page, re.sub(r"\s+", " ", one)) for page in PAGES for one in re.findall(r"`([^`]+)`", prose(page))
    ]
    for page, block in BLOCKS + spans:
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r" [|<>] ?|&&", re.sub(r"(^|\s)#.*", "", line)):
                with suppress(ValueError):  # a text in quotes that goes on for lines
                    words = shlex.split(part)
                    while words and re.match(r"[A-Z_]+=", words[0]):
                        words.pop(0)
                    if words[:1] == [name]:
                        yield page, words[1:]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[f"{page}: {text[:40]!r}" for page, text in BLOCKS])
def test_every_block_is_run(page, block):
    assert len(keys_of(page, block)) == 1


def test_nothing_is_listed_that_is_gone():
    assert {key for one in BLOCKS for key in keys_of(*one)} == RUN_BY.keys()
    for test in RUN_BY.values():
        assert (ROOT / "tests" / test).exists(), test


def test_what_meltano_is_asked_for_is_there():
    plugins = [one for file in (MELTANO, FILES) for kind in file["plugins"].values() for one in kind]
    names = {one["name"] for one in plugins}
    names |= {job["name"] for file in (MELTANO, FILES) for job in file.get("jobs", ())}
    environments = {one["name"] for one in MELTANO["environments"]}
    texts = [f"{name} {' '.join(words)}" for name, words in lines_of("meltano")]
    texts += [
        line for text in PAGES.values() for line in re.findall(r"\bmeltano --environment[^`\n#]+", text)
    ]
    assert len(texts) > len(list(lines_of("meltano"))) > 5
    for text in texts:
        assert set(re.findall(r"--environment[= ](\S+)", text)) <= environments, text
        for asked in re.findall(r" (?:run|invoke) (?:--\S+ )*([\w-]+)", text):
            assert asked in names, text


def test_what_make_is_asked_for_is_there():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = {
        name for text in PAGES.values() for name in re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE)
    }
    assert {"demo", "test"} <= asked <= targets


def test_our_own_commands_have_what_they_are_given():
    """Subcommands and options, in each block of each page."""
    asked = list(lines_of("clicksend"))
    assert len({page for page, _ in asked}) > 5
    for page, words in asked:
        command, rest = clicksend, words
        while rest and isinstance(command, click.Group):
            _, command, rest = command.resolve_command(click.Context(command), rest)
        known = {option for one in command.params for option in one.opts}
        assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known, (page, words)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_connectors_have_the_options_they_are_given(name):
    known = {option for one in OPTIONS[name].get_singer_command().params for option in one.opts}
    asked = [word for _, words in lines_of(name) for word in words if word.startswith("--")]
    assert asked
    assert {word.partition("=")[0] for word in asked} <= known


def shell(block, box, folder, **programs):
    """Type a block into a shell that leads to the box, not to ClickSend; all is installed already."""
    block = re.sub(r"^pip install .*\n", "", block)
    assert block.count('{"') >= 1
    block = block.replace('{"', f'{{"api_url": "{box.api_url}", "', 1)
    for name, code in programs.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!{sys.executable}\n{code}")
        path.chmod(0o755)
    given = environment(CLICKSEND_USERNAME="sandbox", CLICKSEND_API_KEY="sandbox-key")
    given["PATH"] = os.pathsep.join((str(folder), str(Path(sys.executable).parent), given["PATH"]))
    typed(block, folder, given)


@pytest.mark.long
def test_the_tap_in_a_shell(box, tmp_path):
    """Into a loader that writes each state that it gets, as loaders do."""
    loader = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        print(json.dumps(message["value"]))
"""
    shell(block_of("start.md", "--discover"), box, tmp_path, some_target=loader)
    state = json.loads((tmp_path / "state.json").read_text())
    assert "sms_history" in state["bookmarks"]
    assert {one["auth"] for one in box.requests()} == {"basic"}


@pytest.mark.long
def test_the_target_in_a_shell(box, call, tmp_path):
    rows = [
        schema("public-customers", ["id", *TEXT]),
        record("public-customers", {"id": 1, **TEXT}),
        state({"at": 1}),
    ]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(map(line_of, rows)))
    tap = "print(open('rows.jsonl').read())"
    shell(block_of("target.md", r"\Apip install \.\n"), box, tmp_path, some_tap=tap)
    assert json.loads((tmp_path / "state.json").read_text()) == {"at": 1}
    (made,) = [
        one
        for one in call("GET", "/lists", params={"limit": 100})["data"]
        if one["list_name"] == "Shop customers"
    ]
    assert [one["phone_number"] for one in call("GET", f"/lists/{made['list_id']}/contacts")["data"]] == [
        "+61412345678"
    ]


def test_codes(box, tmp_path):
    (tmp_path / "hub.json").write_text(json.dumps({"hub_url": box.url}))
    codes = []
    for line in block_of("codes.md", "clicksend verify").splitlines():
        words = shlex.split(line.partition("#")[0])
        arguments = [*words[1:], "--config", str(tmp_path / "hub.json")]
        codes.append(run_command(words[0], *arguments, env={"SKILLBOSS_API_KEY": "sandbox-key"}).returncode)
    assert codes == [0, 1], "a code goes out, and 123456 is not it"


def test_the_sandbox_names_its_switches():
    (line,) = block_of("sandbox.md", "--switches").splitlines()
    done = run_command(*shlex.split(line.partition("#")[0]))
    assert done.returncode == 0
    assert b"poll_rules" in done.stdout


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_a_report_is_read_by_jq(tmp_path):
    for name, code in {"report": 0, "tap": 0, "target": 3}.items():
        report = {"exit_code": code, "error": None, "next": None}
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    run = ["bash", "-euc", block_of("report.md", "jq -e")]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["true", "0", "3"]), done.stderr


@pytest.fixture
def ledger_command(out, tmp_path):
    """Return a function that types a line with `clicksend ledger`, and a number when it asks for one."""
    config = tmp_path / "target.json"
    streams = {"streams": {"orders": "sms_messages"}, "ledger_url": "sqlite:///clicksend_ledger.db"}
    config.write_text(json.dumps({"api_url": out.api_url, **CREDENTIALS, **streams}))

    def ledger_command(line, config=config, code=0):
        command, _, file = line.partition("#")[0].partition(" > ")
        command, _, source = command.partition(" < ")
        given = (tmp_path / source.strip()).read_text() if source else f"{TO}\n"
        name, *words = shlex.split(command)
        done = run_command(name, *words, "--config", str(config), stdin=given.encode(), folder=tmp_path)
        assert done.returncode == code, (line, done.stderr.decode())
        if file:
            (tmp_path / file.strip()).write_bytes(done.stdout)
        return done.stdout.decode()

    return ledger_command


def test_each_line_about_the_ledger(out, ledger_command, tmp_path, monkeypatch):
    """One after the other on one ledger, with a key, a file and a run of somebody's own."""
    url = f"sqlite:///{tmp_path}/clicksend_ledger.db"
    monkeypatch.setattr(Box, "ledger_url", url)
    rows = [{"id": 7, "to": TO, "body": "Hello"}, {"id": 8, "to": "12", "body": "Hello"}]
    settings = {"streams": {"orders": "sms_messages"}}
    assert out.run(stream_of("orders", rows), **settings).rows("sms_messages") == {"sent": 1, "rejected": 1}
    long_ago = datetime.now(UTC) - timedelta(days=2)
    with Ledger.existing(url, now=lambda: long_ago) as ledger:
        ledger.claims.claim("lost", "sms_messages", [claim("nobody-knows")], lease_seconds=90)
        (known,) = [one for one in ledger.outcomes.newest() if one["outcome"] == "sent"]
    before_us = [
        {"id": number, "to": TO, "body": "Hi", "sent_at": sent} for number, sent in ((1, "May"), (2, None))
    ]
    (tmp_path / "old.jsonl").write_bytes(b"".join(map(line_of, stream_of("orders", before_us))))

    block = block_of("target.md", "clicksend ledger prune").splitlines()
    listing, showing, showing_row, pruning, forgetting, opting_in, exporting, *block = block
    recording, undoing, reconciling, retrying, releasing, rebuilding = block
    assert "too few or too many digits" in ledger_command(listing)
    assert known["message_id"] in ledger_command(filled_in(showing, {"KEY": known["key"]}))
    assert known["message_id"] in ledger_command(showing_row)
    assert ledger_command(pruning) == "0 outcomes deleted.\n"
    assert "Removed from 1 message" in ledger_command(forgetting)
    assert "has no STOP of this number" in ledger_command(opting_in)
    ledger_command(exporting)
    assert (tmp_path / "key.txt").read_text() == (tmp_path / "clicksend_ledger.db.key").read_text()
    said = ledger_command(filled_in(recording, {"FILE": "old.jsonl --yes"}))
    assert "1 key recorded as sent" in said
    run_id = re.search(r"--run (\S+)", said)[1]
    assert "1 key forgotten" in ledger_command(filled_in(undoing, {"--run RUN": f"--run {run_id}"}))
    assert "1 still unknown" in ledger_command(reconciling, code=3)
    assert "1 row reopened" in ledger_command(retrying)
    assert "1 message released" in ledger_command(filled_in(releasing, {"KEY": "nobody-knows"}))
    since = f"{out.now - timedelta(days=7):%Y-%m-%d}"
    assert "sms_messages: 1 message found" in ledger_command(filled_in(rebuilding, {"2026-10-01": since}))


def test_the_key_of_a_ledger_on_another_host(out, ledger_command, tmp_path):
    (tmp_path / "there").mkdir()
    there = tmp_path / "there.json"
    there.write_text(json.dumps({"ledger_url": f"sqlite:///{tmp_path}/there/clicksend_ledger.db"}))
    Ledger.open(f"sqlite:///{tmp_path}/clicksend_ledger.db", **ACCOUNT).close()
    exporting, importing = block_of("privacy.md", "key export").splitlines()
    ledger_command(exporting)
    ledger_command(importing, config=there)
    keys = [folder / "clicksend_ledger.db.key" for folder in (tmp_path, tmp_path / "there")]
    assert keys[0].read_text() == keys[1].read_text()


def test_a_person_is_forgotten(out, ledger_command, tmp_path, monkeypatch):
    monkeypatch.setattr(Box, "ledger_url", f"sqlite:///{tmp_path}/clicksend_ledger.db")
    out.send({})
    assert "Removed from 1 message" in ledger_command(block_of("privacy.md", "ledger forget -"))
