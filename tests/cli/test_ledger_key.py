"""clicksend ledger key: the key gets to other hosts, and no key takes the place of another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from clicksend.cli import command as main
from clicksend.ledger.ledger import Ledger
from tests.ledger.cases import ACCOUNT, outcome

KEY = "a key that nobody guesses"
NUMBER = "+61411111111"


def run(*arguments, given=None, code=0):
    result = CliRunner().invoke(main, ["ledger", "key", *map(str, arguments)], input=given)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def url_of(folder, name):
    (folder / name).mkdir()
    return f"sqlite:///{folder}/{name}/ledger.db"


def test_a_key_gets_from_one_host_to_another(tmp_path):
    one, other = url_of(tmp_path, "one"), url_of(tmp_path, "other")
    with Ledger.open(one, **ACCOUNT) as ledger:
        hashed = ledger.privacy.hash(NUMBER)
    exported = run("export", "--ledger-url", one)
    assert exported == Path(tmp_path / "one" / "ledger.db.key").read_text()
    assert exported.strip() not in run("import", "--ledger-url", other, given=exported)
    assert stat.S_IMODE((tmp_path / "other" / "ledger.db.key").stat().st_mode) == 0o600
    with Ledger.open(other, **ACCOUNT) as ledger:
        assert ledger.privacy.hash(NUMBER) == hashed
    run("import", "--ledger-url", other, given=exported)


def test_a_setting_is_exported_as_well(tmp_path, monkeypatch):
    url = url_of(tmp_path, "one")
    Ledger.open(url, **ACCOUNT, pii_key=KEY).close()
    monkeypatch.setenv("TARGET_CLICKSEND_PII_KEY", KEY)
    monkeypatch.setenv("TARGET_CLICKSEND_LEDGER_URL", url)
    assert run("export") == f"{KEY}\n"


def test_a_key_that_is_not_there_is_not_exported(tmp_path):
    url = url_of(tmp_path, "one")
    Ledger.open(url, **ACCOUNT).close()
    (tmp_path / "one" / "ledger.db.key").unlink()
    assert "is missing" in run("export", "--ledger-url", url, code=1)


def test_a_terminal_shows_no_key_without_being_asked(tmp_path, monkeypatch):
    url = url_of(tmp_path, "one")
    Ledger.open(url, **ACCOUNT).close()
    monkeypatch.setattr("clicksend.cli.ledger.is_terminal", lambda _: True)
    assert "--show" in run("export", "--ledger-url", url, code=2)
    assert len(run("export", "--ledger-url", url, "--show")) == 65


def test_a_lost_key_file_is_brought_back(tmp_path):
    url, path = url_of(tmp_path, "one"), tmp_path / "one" / "ledger.db.key"
    with Ledger.open(url, **ACCOUNT) as ledger:
        ledger.outcomes.record("run", [outcome()])
    key = path.read_text()
    path.unlink()
    assert "not empty" in run("import", "--ledger-url", url, given=KEY, code=1)
    assert not path.exists()
    run("import", "--ledger-url", url, given=key)
    Ledger.open(url, **ACCOUNT).close()


def test_an_empty_ledger_takes_another_key(tmp_path):
    """A container has lost both, and made new ones."""
    url, path = url_of(tmp_path, "one"), tmp_path / "one" / "ledger.db.key"
    Ledger.open(url, **ACCOUNT).close()
    made = path.read_text()
    assert "holds another key" in run("import", "--ledger-url", url, given=KEY, code=1)
    assert path.read_text() == made
    path.unlink()
    run("import", "--ledger-url", url, given=KEY)
    with Ledger.open(url, **ACCOUNT, pii_key=KEY) as ledger:
        assert ledger.privacy.key == KEY


@pytest.mark.parametrize("given", ["", "\n", "short", "k" * 20_000, "two lines of it\nand one more"])
def test_what_is_not_a_key_is_said(tmp_path, given):
    url = url_of(tmp_path, "one")
    assert "not a valid key" in run("import", "--ledger-url", url, given=given, code=1)
    assert list((tmp_path / "one").iterdir()) == []


def test_a_postgresql_ledger_wants_a_place(tmp_path, monkeypatch):
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    assert "pii_key_file" in run("import", "--ledger-url", url, given=KEY, code=2)
    monkeypatch.setenv("TARGET_CLICKSEND_PII_KEY_FILE", str(tmp_path / "key"))
    assert "cannot be reached" in run("import", "--ledger-url", url, given=KEY, code=1)


def test_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TARGET_CLICKSEND_PII_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "exported").write_text(KEY)
    assert str(tmp_path / "key") in run(
        "import", tmp_path / "exported", "--ledger-url", url_of(tmp_path, "one")
    )
    assert (tmp_path / "key").read_text() == f"{KEY}\n"
