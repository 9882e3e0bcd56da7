"""`make demo`, on a small world in a copy of the project."""

from __future__ import annotations

import fcntl
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from decimal import Decimal
from itertools import islice

import psutil
import psycopg
import pytest
import requests

from clicksend.sandbox import API_KEY
from demo.pipeline import Pipeline
from demo.postgres import Postgres
from tests.conftest import FULL
from tests.e2e.checkout import ROOT, check_out, run
from tests.e2e.meltano_project import query
from tests.orchestrate.conftest import airflow_python  # noqa: F401, fixture

SMALL = ("-m", "demo", "--messages=600", "--contacts=60")
# A user's own settings, none of which may reach the demo
FOREIGN = {
    "TAP_CLICKSEND_USERNAME": "someone",
    "TAP_CLICKSEND_START_DATE": "2099-01-01",
    "TARGET_POSTGRES_SQLALCHEMY_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
    "SKILLBOSS_API_KEY": "sk-real",
    "MELTANO_ENVIRONMENT": "prod",
    "PGHOSTADDR": "127.0.0.1",
    "PGPORT": "1",
    "LOGLEVEL": "ERROR",
    "DBT_TARGET": "duckdb",
    "DBT_POSTGRES_HOST": "127.0.0.1",
    "DBT_POSTGRES_PORT": "1",
    "DBT_PROFILES_DIR": "/nowhere",
    "DBT_PROJECT_DIR": "/nowhere",
    "http_proxy": "http://127.0.0.1:1",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, request):
    """Return a copy of the project; in the full profile the demo installs the plugins by itself."""
    copy = check_out(tmp_path_factory.mktemp("demo")).resolve()
    if not FULL:
        Pipeline(copy, copy)._renew_plugins()
        request.getfixturevalue("link_plugins")(copy)
    (copy / ".env").write_text(
        "TAP_CLICKSEND_LIST_IDS=[1]\nTARGET_POSTGRES_DEFAULT_TARGET_SCHEMA=elsewhere\n"
    )
    return copy


def offspring(project) -> list[str]:
    """Return the command lines of all processes that belong to the copy."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(project) in line:
            found.append(line)
    return found


def figures(output: str) -> dict[str, list[str]]:
    """Return what API and warehouse have, and what was loaded, by stream."""
    return _cells(output.split("Answers as of", maxsplit=1)[0])


def answers(output: str) -> dict[str, tuple[float, float | None]]:
    """Return the answers, of our messages and of all of the account."""
    cells = _cells(output.split("Answers as of")[1])
    numbers = {name: [cell.rstrip("%").replace(",", "") for cell in row] for name, row in cells.items()}
    return {name: tuple(float(one) if one else None for one in row) for name, row in numbers.items()}


def _cells(text: str) -> dict[str, list[str]]:
    rows = [line.strip("│").split("│") for line in text.splitlines() if line.startswith("│")]
    return {name.strip(): [cell.strip() for cell in cells] for name, *cells in rows}


@pytest.fixture(scope="module")
def first_day(project):
    """Run the demo with its usual port taken."""
    with socket.socket() as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then somebody else has taken it
            port.bind(("127.0.0.1", 8640))
            port.listen()
        return run(project, *SMALL)


@pytest.fixture(scope="module")
def second_day(project, first_day):
    """Run it again, with somebody's settings in the environment."""
    assert first_day.returncode == 0, first_day.stdout + first_day.stderr
    return run(project, *SMALL, **FOREIGN)


def test_first_run_loads_everything(project, first_day):
    done = first_day
    assert done.returncode == 0, done.stdout + done.stderr
    table = figures(done.stdout)
    assert len(table) == 14
    assert all(api == warehouse == loaded for api, warehouse, loaded, _ in table.values())
    assert "300 rows, 300 of them new; 293 have arrived, 0 of them a second time." in done.stdout
    for reason in (
        "3 rejected: to has too few or too many digits for its country",
        "3 suppressed: it had the same text within dedupe_window_hours",
        "1 suppressed: the recipient has opted out",
    ):
        assert reason in done.stdout
    assert "each row has its outcome" in done.stdout
    assert "500 read; 497 created, 3 rejected." in done.stdout
    assert '497 contacts of the list "Shop customers", each equal to its customer' in done.stdout
    assert offspring(project) == []


@pytest.mark.long
def test_second_run_is_the_next_day_and_incremental(second_day):
    done = second_day
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a day further" in done.stdout
    api, _, loaded = (int(cell.replace(",", "")) for cell in figures(done.stdout)["sms_history"][:3])
    assert 0 < loaded < api / 2
    assert "325 rows, 25 of them new; 317 have arrived, 0 of them a second time." in done.stdout
    assert "500 read; 3 rejected, 1 suppressed, 496 unchanged; nothing was written." in done.stdout
    assert "1 suppressed: " in done.stdout
    assert '496 contacts of the list "Shop customers", each equal to its customer' in done.stdout


@pytest.mark.parametrize(
    ("day", "messages"), [("first_day", 293), pytest.param("second_day", 317, marks=pytest.mark.long)]
)
def test_last_lines_are_the_answers(request, day, messages):
    """Every message has one fate, and balance, ledger and history agree on what the run cost."""
    output = request.getfixturevalue(day).stdout
    found = answers(output)
    ours, account = ({name: row[side] for name, row in found.items()} for side in (0, 1))
    assert ours["Rows unaccounted"] == 0
    for one in (ours, account):
        assert one["Sent"] == sum(
            one[name] for name in ("Delivered", "Undelivered", "Unconfirmed", "Pending")
        )
    assert messages * 0.9 < ours["Sent"] + ours["Scheduled"] <= messages
    assert all(
        account[name] >= one
        for name, one in ours.items()
        if name not in ("Delivery rate", "Rows unaccounted")
    )
    assert ours["Delivered"] > 0
    assert ours["Parts wasted"] > 0
    found = re.search(r"sending ([\d,.]+), after it ([\d,.]+): ([\d.]+) USD less", output)
    before, after, less = (Decimal(one.replace(",", "")) for one in found.groups())
    assert before - after == less > 0
    assert f"By ledger {less}, by history {less}." in output


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
def test_warehouse_stays_until_ctrl_c(project):
    """Everybody finds tables and models in it, at the lines that it prints."""
    command = [sys.executable, "-u", "-m", "demo", "--warehouse"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = dict(
                islice(
                    (line.rstrip("\n").split(maxsplit=1) for line in process.stdout if line[6:7] == " "), 3
                )
            )
            assert query(lines["URL"], "select count(*) from campaign_cost")[0][0] > 0
            assert query(lines["URL"], "select count(*) from sms_history")[0][0] > 0
            asked = subprocess.run(
                f"{lines['psql']} -Atc 'select count(*) from messages'",
                shell=True,
                capture_output=True,
                check=True,
            )
            assert int(asked.stdout) == 325
            listed = subprocess.run(
                lines["dbt"].replace(" build ", " ls --select source:* --quiet "),
                shell=True,
                capture_output=True,
                check=True,
            )
            assert b"sms_history" in listed.stdout
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert offspring(project) == []


PEOPLE = """
    select "to" from messages union select body from messages
    union select phone_number from customers union select email from customers
    union select first_name || ' ' || last_name from customers union select last_name from customers
    union select phone_number from clicksend.contacts union select email from clicksend.contacts
    union select first_name || ' ' || last_name from clicksend.contacts
    union select "to" from clicksend.sms_history union select body from clicksend.sms_history
    union select "from" from clicksend.sms_inbound union select body from clicksend.sms_inbound
    union select "to" from clicksend.mms_history union select body from clicksend.mms_history
    union select "to" from clicksend.voice_history union select body from clicksend.voice_history
"""
KEPT = ("postgres", "sandbox.json")
"""What of the demo's folder holds people by its nature: the warehouse, and the made-up ClickSend."""
OURS = "unsubscribe " + "".join(
    path.read_text(encoding="utf-8").casefold()
    for path in (ROOT / "transform").rglob("*")
    if path.suffix in (".sql", ".yml", ".csv")
)
"""A setting's default, and what the models say: people write the same, "please stop" for one."""


@pytest.mark.long
def test_nobody_is_in_what_is_left_behind(project, first_day, second_day):
    """Neither a key nor a number, name, address or text is in logs, state, catalogs, report or ledger."""
    with Postgres(project / ".demo" / "postgres") as url:
        values = {value for (value,) in query(url, PEOPLE) if value and len(value) > 8}
    values = {value for value in values if value.casefold() not in OURS}
    digits = {re.sub(r"[ ()+-]", "", value) for value in values}
    numbers = {one[-9:] for one in digits if one.isdecimal() and len(one) > 8}
    assert len(values) > 1000
    assert len(numbers) > 300

    def people(text):
        long = {one[-9:] for one in re.findall(r"\d{9,15}", text)}
        return sorted(one for one in {API_KEY, *values} if one in text) + sorted(numbers & long)

    assert len(people((project / ".demo" / "sandbox.json.writes").read_text())) > 300
    left = {"first day": first_day, "second day": second_day}
    said = {name: (done.stdout + done.stderr) for name, done in left.items()}
    for folder in (".demo", ".meltano"):
        for path in (project / folder).rglob("*"):
            parts = path.relative_to(project / folder).parts
            if path.is_file() and not parts[0].startswith(KEPT) and "venv" not in parts:
                said["/".join((folder, *parts))] = path.read_bytes().decode(errors="replace")
    assert {".demo/ledger.db", ".demo/meltano.log", ".demo/meltano.db", ".demo/customers.json"} < set(said)
    assert {name: found for name, text in said.items() if (found := people(text))} == {}


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
def test_a_failing_meltano_is_told_with_its_reason(project):
    tap = next((project / ".meltano").glob("extractors/*/venv/bin/tap-clicksend"))
    tap.rename(tap.with_suffix(".away"))
    done = run(project, *SMALL)
    tap.with_suffix(".away").rename(tap)
    assert done.returncode == 1
    assert re.search(r"meltano run .* failed.*tap-clicksend", done.stdout, re.DOTALL)
    assert "Traceback" not in done.stdout + done.stderr
    assert offspring(project) == []


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
def test_airflow_tells_its_login_and_ends_all_that_it_started(
    project,
    airflow_python,  # noqa: F811
    request_to_stop,
):
    command = [sys.executable, "-u", "-m", "demo", f"--airflow={airflow_python}"]
    demo = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)
    with demo.stdout:
        said = ""
        while "Trigger clicksend_elt" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        url, password = re.search(r"URL +(\S+)\nLogin +admin, (\S+)", said).groups()
        with requests.Session() as session:
            session.trust_env = False
            user = {"username": "admin", "password": password}
            token = session.post(f"{url}/auth/token", json=user, timeout=60).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            found = session.get(f"{url}/api/v2/connections", headers=headers, timeout=60).json()[
                "connections"
            ]
        assert {one["connection_id"] for one in found} == {"clicksend_default", "clicksend_warehouse"}
        demo.send_signal(request_to_stop)
        demo.stdout.read()
    assert demo.wait() == 0
    assert offspring(project) == []


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
def test_only_one_demo_runs_in_a_folder(project):
    with (project / ".demo" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run(project, *SMALL)
    assert done.returncode == 1
    assert done.stdout.startswith("Another demo is at work in ")


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_stops_what_it_started(project, request_to_stop):
    log = project / ".demo" / "meltano.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    demo = subprocess.Popen(
        [sys.executable, *SMALL],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
    )
    with demo.stdout:
        while "meltano run" not in demo.stdout.readline():
            pass
        while b"tap-clicksend" not in log.read_bytes():
            assert demo.poll() is None
        demo.send_signal(request_to_stop)
        assert "Stopped." in demo.stdout.read()
    assert demo.wait() == 130
    assert offspring(project) == []
    assert run(project, *SMALL).returncode == 0


MIDDLE = "select message_id from clicksend.sms_history order by date offset 300 limit 1"


@pytest.mark.long
@pytest.mark.usefixtures("second_day")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(
            "update customers set phone_number = null where id = 9",
            ["1 unlike any customer", "Customers and contacts differ."],
            id="a contact unlike its customer",
        ),
        pytest.param(
            # Upstream has given a row another key, and so made it another row.
            "update messages set id = 0 where id = 5",
            [", 1 of them a second time.", "Not every message is accounted for."],
            id="a message that arrives twice",
        ),
        pytest.param(
            f"delete from clicksend.sms_history where message_id in ({MIDDLE})",
            ["differ in sms_history."],
            id="a row that is missing",
        ),
    ],
)
def test_what_went_wrong_fails_the_demo(project, damage, said):
    with Postgres(project / ".demo" / "postgres") as url, psycopg.connect(url) as warehouse:
        warehouse.execute(damage)
    with closing(sqlite3.connect(project / ".demo" / "ledger.db")) as ledger, ledger:
        # Else the second text to the same person within a day is held back.
        ledger.execute("""update outcomes set body_hash = '' where source_key = '{"id": 5}'""")
    done = run(project, *SMALL)
    assert done.returncode == 1
    assert not [words for words in said if words not in done.stdout], done.stdout
