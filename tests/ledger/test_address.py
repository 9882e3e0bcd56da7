"""What ledger_url may name, that its password goes nowhere in clear, and that nobody is shown it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import make_url

from clicksend.errors import LedgerError, LedgerUrlError
from clicksend.ledger.address import parsed
from clicksend.ledger.ledger import Ledger
from tests.command import run_command
from tests.ledger.cases import ACCOUNT, in_new_schema
from tests.tap.runner import CREDENTIALS, tap_command
from tests.target.runner import record, schema, target_command

SECRET = "qanaryw0rd"
REMOTE = [
    "postgresql://u:{}@db.example.com/x",
    "postgresql+psycopg://u:{}@10.0.0.5:5432/x",
    "postgresql+psycopg2://u:{}@db.example.com/x",
    "postgresql+psycopg://u:{}@[2001:db8::1]/x",
    "postgresql+psycopg://u:{}@/x?host=db.example.com",
    "postgresql+psycopg://u:{}@/x?host=localhost,db.example.com",
    "postgresql+psycopg://u:{}@/x?host=localhost:1&host=db.example.com:2",
    "postgresql+psycopg://u:{}@db.example.com/x?hostaddr=127.0.0.1",
    "postgresql+psycopg://u:{}@localhost/x?hostaddr=10.0.0.5",
    "postgresql+psycopg://u:{}@localhost.example.com/x",
]
LOCAL = [
    "postgresql+psycopg://u:{}@localhost/x",
    "postgresql+psycopg://u:{}@127.0.0.1:1/x",
    "postgresql+psycopg://u:{}@[::1]/x",
    "postgresql+psycopg://u:{}@/x",
    "postgresql+psycopg://u:{}@/x?host=/var/run/postgresql",
    "postgresql+psycopg://u:{}@/x?host=%2Ftmp%2Fa&port=5432",
    "postgresql+psycopg://u:{}@/x?host=localhost:1&host=127.0.0.1:2",
]


@pytest.fixture(autouse=True)
def no_libpq_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)


def sslmode(url):
    return parsed(url.format(SECRET)).query.get("sslmode")


@pytest.mark.parametrize("url", REMOTE)
def test_another_machine_is_asked_for_tls(url):
    assert sslmode(url) == "require"


@pytest.mark.parametrize("url", LOCAL)
def test_this_machine_is_not(url):
    assert sslmode(url) is None


@pytest.mark.parametrize("mode", ["disable", "prefer", "verify-full"])
@pytest.mark.parametrize("url", REMOTE)
def test_what_a_person_chose_stands(url, mode, monkeypatch):
    more = "&" if "?" in url else "?"
    assert sslmode(f"{url}{more}sslmode={mode}") == mode
    monkeypatch.setenv("PGSSLMODE", mode)
    assert sslmode(url) is None


def test_the_host_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.com")
    assert sslmode("postgresql+psycopg://u:{}@/x") == "require"
    assert sslmode("postgresql+psycopg://u:{}@localhost/x") is None
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.5")
    assert sslmode("postgresql+psycopg://u:{}@localhost/x") == "require"


@pytest.mark.parametrize("where", ["environment", "url"])
def test_a_service_file_says_itself_how_it_connects(where, monkeypatch):
    if where == "environment":
        monkeypatch.setenv("PGSERVICE", "ledger")
    assert sslmode("postgresql+psycopg://u:{}@/x" + "?service=ledger" * (where == "url")) is None


def test_a_driver_that_does_not_know_sslmode_is_refused():
    with pytest.raises(LedgerUrlError, match=r"begin with postgresql\+psycopg://"):
        parsed("postgresql+pg8000://u@db.example.com/x")


def test_nothing_goes_to_a_server_without_tls():
    """Such a one answers N to libpq's question, and gets no user, no password and no database's name."""
    seen = []

    def serve(server):
        for _ in range(9):
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(8))
                connection.sendall(b"N")
                seen.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,))
        thread.start()
        url = f"postgresql+psycopg://qanaryuser:{SECRET}@db.example.com:{server.getsockname()[1]}/x"
        with pytest.raises(LedgerError, match=r"does not offer TLS.*sslmode") as caught:
            Ledger.open(f"{url}?hostaddr=127.0.0.1", **ACCOUNT)
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert seen[0] == bytes.fromhex("0000000804d2162f")
    assert set(seen[1::2]) == {b""}
    assert SECRET not in str(caught.value)


def test_a_ledger_that_is_no_plain_file_is_refused_and_left_as_it_is(tmp_path):
    (real := tmp_path / "real.db").touch()
    real.chmod(0o644)
    (tmp_path / "link.db").symlink_to(real)
    (tmp_path / "dangling.db").symlink_to(tmp_path / "nothing.db")
    (tmp_path / "folder.db").mkdir()
    os.mkfifo(tmp_path / "pipe.db")
    for path in (*tmp_path.iterdir(), Path("/dev/null")):
        before = path.stat() if path.exists() else None
        if path == real:
            continue
        for opens in (lambda url: Ledger.open(url, **ACCOUNT), Ledger.existing):
            with pytest.raises(LedgerUrlError, match="ledger_url must name a plain file, but"):
                opens(f"sqlite:///{path}")
        assert (path.stat() if path.exists() else None) == before
    assert stat.S_IMODE(real.stat().st_mode) == 0o644
    assert not (tmp_path / "nothing.db").exists()


BROKEN = [
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x",
    f"postgresql+psycopg://u:{SECRET}@db.invalid/x?connect_timeout=1",
    f"postgresql+psycopg://u@127.0.0.1:1/x?password={SECRET}",
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:1/x?nonsense={SECRET}",
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:{SECRET}/x",
    f"postgresql+psycopg://u:{SECRET}@127.0.0.1:99999/x",
    f"postgresql+psycopg2://u:{SECRET}@127.0.0.1:1/x",
    f"postgresql+{SECRET}://u:{SECRET}@127.0.0.1:1/x",
    f"postgresql+pg8000://u:{SECRET}@127.0.0.1:1/x",
    f"mysql://u:{SECRET}@127.0.0.1:1/x",
    f"sqlite://u:{SECRET}@host/x.db",
    f"postgresql+psycopg://u:pass@{SECRET}/{SECRET}@127.0.0.1:1/x",
    f"u:{SECRET}@127.0.0.1",
]


@pytest.mark.parametrize("url", BROKEN)
def test_no_command_shows_the_password_of_a_ledger(box, tmp_path, url):
    config = {"api_url": box.api_url, "ledger_url": url, "max_retries": 0, **CREDENTIALS}
    messages = [schema("contacts", row := {"phone_number": "+61411222333"}), record("contacts", row)]
    target = target_command(tmp_path, messages, config, LOGLEVEL="DEBUG")
    tap = tap_command(tmp_path, config, LOGLEVEL="DEBUG")
    listed = run_command("clicksend", "ledger", "list", "--ledger-url", url)
    for code, said in (
        (target.returncode, target.stderr.decode() + target.stdout.decode()),
        (tap.returncode, tap.stderr + tap.stdout),
        (listed.returncode, listed.stderr.decode() + listed.stdout.decode()),
    ):
        assert code != 0
        assert SECRET not in said
        assert "ledger_url" in said
        assert "should not happen" not in said


def test_a_ledger_that_works_is_not_shown_either(box, tmp_path, ledger_postgres):
    url = make_url(in_new_schema(ledger_postgres)).set(password=SECRET)
    config = {"api_url": box.api_url, "ledger_url": url.render_as_string(hide_password=False), **CREDENTIALS}
    messages = [schema("contacts", row := {"phone_number": "+61411222333"}), record("contacts", row)]
    config |= {"list_name": "Ours", "create_missing_lists": True}
    config["pii_key_file"] = str(tmp_path / "hashes.key")
    done = target_command(tmp_path, messages, config, LOGLEVEL="DEBUG")
    assert done.returncode == 0, done.stderr.decode()
    assert SECRET not in done.stderr.decode() + done.stdout.decode()
