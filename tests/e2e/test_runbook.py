"""The runbook is true: what it shows is seen when the fault is there, and its commands print what it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests

from clicksend.ledger.ledger import Ledger
from clicksend.ledger.records import Claim
from clicksend.sandbox import Sandbox
from tests.command import run_command
from tests.tap.runner import CREDENTIALS
from tests.target.messages.cases import OTHER, TO
from tests.target.runner import line_of, run_target, stream_of

PAGE = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
SECTIONS = {
    part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:] if "```" in part
}
BEGINS = re.compile(r"^(?=(?:[A-Z_]+=\S+ )*(?:(?:target-)?clicksend|echo) )", re.MULTILINE)
OURS = re.compile(
    r"(?P<env>(?:[A-Z_]+=\S+ )*)(?P<name>(?:target-)?clicksend)"
    r" (?P<arguments>[^<>|&;$]+)(?:< (?P<input>\S+))?\n*"
)
BY_HAND = "order 7"
ROWS = [{"id": n, "to": f"+6149157{n:04}", "body": f"Hello {n}"} for n in range(20)]


def blocks(section, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def normal(text):
    """Return a text without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\d+([.,:-]\d+)*", "9", re.sub(r" +", " ", text))


class Scene:
    """A sandbox, a target with its ledger, and what was seen of its runs."""

    def __init__(self, box, folder, caplog):
        self.box, self.folder, self.caplog = box, folder, caplog
        self.ledger_url = f"sqlite:///{folder}/ledger.db"
        self.run_id = ""
        self.seen = ""

    def run(self, rows, sink="sms_messages", **config):
        """Run the target in this process; its waits take no time."""
        messages = stream_of(sink, rows)
        self.rows(messages)
        settings = {"ledger_url": self.ledger_url, "opt_out": "ignore", **config}
        self.config(settings)
        ran = run_target(self.box.api_url, messages, **settings)
        self.run_id = ran.report["run_id"]
        self.seen = "\n".join([*self.caplog.messages, str(ran.error)])
        return ran

    def rows(self, messages):
        (self.folder / "rows.jsonl").write_bytes(b"".join(map(line_of, messages)))

    def config(self, settings):
        given = {"api_url": self.box.api_url, **CREDENTIALS, **settings}
        (self.folder / "target.json").write_text(json.dumps(given))

    def shell(self, commands):
        """Run commands as a person types them; return all that they print. What is not ours a shell does."""
        printed = b""
        for command in filter(None, BEGINS.split(commands.replace("--run RUN", f"--run {self.run_id}"))):
            if found := OURS.fullmatch(command):
                env = dict(one.split("=") for one in found["env"].split())
                done = run_command(
                    found["name"],
                    *shlex.split(found["arguments"]),
                    stdin=(self.folder / found["input"]).read_bytes() if found["input"] else b"",
                    folder=self.folder,
                    env={"HOME": str(self.folder), **env},
                )
            else:
                done = subprocess.run(
                    ["/bin/bash", "-c", command], cwd=self.folder, capture_output=True, check=True
                )
            printed += done.stdout + done.stderr
        return printed.decode()


@pytest.fixture(scope="module")
def _box():
    with Sandbox(messages=0, contacts=30) as box:
        yield box


@pytest.fixture
def scene(_box, tmp_path, caplog):
    _box.control("POST", "reset")
    caplog.set_level("INFO")
    return Scene(_box, tmp_path, caplog)


def lost_answers(scene):
    scene.box.control("POST", "faults", {"kind": "reset_before", "path": "/sms/send"})
    assert scene.run(ROWS).code == 3


def credit(scene):
    scene.box.control("POST", "balance", {"balance": "0.50"})
    assert scene.run(ROWS).code == 1
    scene.box.control("POST", "balance", {"balance": "50"})


def wrong_table(scene):
    scene.run([row | {"schedule": int(time.time()) + 86_400} for row in ROWS])


def contacts(scene):
    rows = [{"phone_number": row["to"], "list_name": "Mirrored"} for row in ROWS]
    scene.run(rows, sink="contacts", create_missing_lists=True)
    ran = scene.run(rows[:3], sink="contacts", contacts_mode="mirror", mirror_confirmations=1)
    assert ran.code == 1


def lose(scene):
    """Lose the ledger, not its key."""
    for file in scene.folder.glob("ledger.db*"):
        if file.suffix != ".key":
            file.unlink()


def send_by_hand(scene):
    """Let somebody else send a message, with a ``custom_string`` of their own."""
    message = {"to": "+61491579999", "body": "Hello", "custom_string": BY_HAND}
    answer = requests.post(
        f"{scene.box.api_url}/sms/send",
        json={"messages": [message]},
        auth=tuple(CREDENTIALS.values()),
        timeout=10,
    )
    assert answer.ok


def lost_ledger(scene):
    send_by_hand(scene)
    scene.run(ROWS)
    lose(scene)
    assert scene.run(ROWS).code == 1


def restored_ledger(scene):
    send_by_hand(scene)
    scene.run(ROWS[:5])
    shutil.copy(scene.folder / "ledger.db", scene.folder / "backup")
    scene.run(ROWS[5:10])
    lose(scene)
    shutil.copy(scene.folder / "backup", scene.folder / "ledger.db")
    assert scene.run(ROWS).code == 1


def lease(scene):
    scene.run(ROWS[:1])
    claim = Claim(key="5", stream="sms_messages", custom_string="x", recipient_hash="", body_hash="")
    with Ledger.existing(scene.ledger_url) as ledger:
        ledger.claims.claim("dead", "sms_messages", [claim], lease_seconds=600)
    assert scene.run(ROWS).code == 0


def wrong_key(scene):
    assert scene.run(ROWS, api_key="wrong").code == 1


def other_key(scene):
    scene.run(ROWS[:1], pii_key="the key of the ledger")
    assert scene.run(ROWS, pii_key="another key, a new one").code == 1


def storm(scene):
    scene.box.control("POST", "limits", {"POST /sms/send": [1, 60]})
    rows = [{"id": n, "to": f"+6149157{n:04}", "body": f"Hello {n}"} for n in range(60)]
    assert scene.run(rows, batch_size_rows=10).code == 1


def complaint(scene):
    scene.box.control("POST", "reply", {"from": OTHER, "body": "STOP"})
    rows = [{"id": 1, "to": OTHER, "body": "Hello"}, {"id": 2, "to": TO, "body": "Hello"}]
    scene.run(rows, opt_out="enforce")


SCENES = {
    "Lost answers": lost_answers,
    "Credit used up": credit,
    "The wrong table was sent": wrong_table,
    "The wrong number of contacts": contacts,
    "The ledger is lost": lost_ledger,
    "The ledger was restored from a backup": restored_ledger,
    "A stuck lease": lease,
    "A wrong key": wrong_key,
    "Rotating the key": other_key,
    "A storm of 429": storm,
    "Somebody complains after a STOP": complaint,
}


def test_every_section_has_its_scene():
    assert SECTIONS.keys() == SCENES.keys()


@pytest.mark.long
@pytest.mark.parametrize("title", SCENES)
def test_what_is_seen_and_what_the_commands_print(scene, title):
    section = SECTIONS[title]
    SCENES[title](scene)
    before, *after = re.split(r"^\*\*Do\*\*", section, flags=re.MULTILINE)
    for shown in blocks(before, "text"):
        for line in shown.splitlines():
            assert normal(line) in normal(scene.seen), line
    printed = "".join(scene.shell(commands) for part in after for commands in blocks(part, "bash"))
    for shown in (one for part in after for one in blocks(part, "text")):
        for line in shown.splitlines():
            assert normal(line) in normal(printed), f"{line}\n\n{printed}"
    assert "Traceback" not in printed
    assert not [number for number in (TO, OTHER, ROWS[0]["to"]) if number in printed]


@pytest.mark.long
def test_nothing_was_sent_twice(scene):
    """The commands of a section send what was not sent, and nothing else."""
    for title in (
        "Lost answers",
        "Credit used up",
        "The ledger is lost",
        "The ledger was restored from a backup",
    ):
        scene.box.control("POST", "reset")
        for file in scene.folder.glob("ledger.db*"):
            file.unlink()
        SCENES[title](scene)
        for commands in blocks(SECTIONS[title], "bash"):
            scene.shell(commands)
        arrivals = scene.box.control("GET", "arrivals")
        arrived = [one["to"] for one in arrivals if one["custom_string"] != BY_HAND]
        assert sorted(arrived) == sorted(row["to"] for row in ROWS), title
