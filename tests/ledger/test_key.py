"""The key of a ledger's hashes is not in the ledger; all who use it have the same one, or are refused."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from clicksend.errors import LedgerError, LedgerUrlError
from clicksend.hashing import hasher, text_hasher
from clicksend.ledger import keyfile, schema
from clicksend.ledger.ledger import Ledger
from tests.ledger.cases import ACCOUNT, KEY_FILE, claim

KEY = "a key that nobody guesses"
NUMBER = "+61411111111"


@pytest.fixture
def path(ledger_url):
    """Return where the key file of the ledger is by default."""
    return Path(os.environ[KEY_FILE])


def everything(url):
    """Return all that the database holds, as text."""
    with Ledger.existing(url) as ledger, ledger._store.read() as connection:
        return "".join(
            str(list(connection.execute(text(f"select * from {name}")))) for name in ("meta", "outcomes")
        )


def test_no_hash_is_made_without_a_key():
    with pytest.raises(ValueError, match="empty"):
        text_hasher("")
    with pytest.raises(ValueError, match="empty"):
        hasher("")


@pytest.mark.both_databases
def test_a_random_key_is_in_a_file_of_its_own(ledger_url, path):
    with Ledger.open(ledger_url, **ACCOUNT) as one, Ledger.open(ledger_url, **ACCOUNT) as other:
        key = path.read_text().strip()
        assert one.privacy.hash(NUMBER) == other.privacy.hash(NUMBER) == hasher(key)(NUMBER)
        one.claims.claim(
            "run 1", "sms", [claim("a", recipient_hash=one.privacy.hash(NUMBER))], lease_seconds=90
        )
    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key not in everything(ledger_url)
    assert [file.name for file in path.parent.glob("*.key*")] == [path.name]


@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_only_its_owner_reads_it(tmp_path, mask):
    before = os.umask(mask)
    try:
        keyfile.make(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600 & ~mask


def test_a_key_file_that_is_there_is_used(ledger_url, path):
    """A lost ledger that is made anew still knows its keys."""
    path.write_text(f"{KEY}\n")
    with Ledger.open(ledger_url, **ACCOUNT) as ledger:
        assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)
    with Ledger.open(ledger_url, **ACCOUNT, pii_key=KEY) as ledger:
        assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)


def test_without_its_key_file_a_ledger_is_refused(ledger_url, path):
    Ledger.open(ledger_url, **ACCOUNT).close()
    path.rename(path.with_suffix(".moved"))
    for _ in range(2):
        with pytest.raises(LedgerError, match="ledger key import"):
            Ledger.open(ledger_url, **ACCOUNT)
        assert not path.exists()
    with Ledger.existing(ledger_url) as ledger:
        assert ledger.outcomes.newest() == []
        with pytest.raises(LedgerError, match="AGAIN"):
            ledger.privacy.hash(NUMBER)
    with Ledger.open(ledger_url, **ACCOUNT, pii_key_file=str(path.with_suffix(".moved"))) as ledger:
        assert ledger.privacy.hash(NUMBER)


@pytest.mark.parametrize("made_with", [{}, {"pii_key": KEY}])
def test_another_key_is_refused(ledger_url, path, made_with):
    Ledger.open(ledger_url, **ACCOUNT, **made_with).close()
    path.write_text(f"{KEY}?\n")
    for given in ({}, {"pii_key": f"{KEY}!"}):
        for opens in (partial(Ledger.open, **ACCOUNT), Ledger.existing):
            with pytest.raises(LedgerError, match="another key") as caught:
                opens(ledger_url, **given)
            assert KEY not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"\xff" * 40])
def test_a_key_file_that_holds_none_is_said(ledger_url, path, content):
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"key file .* (not hold|cannot be read)"):
        Ledger.open(ledger_url, **ACCOUNT)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    with pytest.raises(LedgerError, match="cannot be written: No such file"):
        Ledger.open(url, **ACCOUNT, pii_key_file=str(tmp_path / "none" / "key"))


def test_a_postgresql_ledger_wants_a_place_for_its_key(ledger_postgres):
    with pytest.raises(LedgerUrlError, match="pii_key_file"):
        Ledger.open(ledger_postgres, **ACCOUNT)


@pytest.mark.both_databases
def test_all_who_open_a_ledger_first_have_one_key(ledger_url):
    together = Barrier(8)

    def opened(_):
        together.wait()
        with Ledger.open(ledger_url, **ACCOUNT) as ledger:
            return ledger.privacy.hash(NUMBER)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(opened, range(8)))) == 1


def test_all_who_make_a_key_file_have_one_key(tmp_path):
    """Ledgers on two hosts may share a folder."""
    together = Barrier(8)

    def made(_):
        together.wait()
        return keyfile.make(tmp_path / "key")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(made, range(8)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_key_file_that_another_host_makes_meanwhile_counts(tmp_path, monkeypatch):
    path, write = tmp_path / "key", keyfile._write

    def later(draft, key):
        write(draft, key)
        path.write_text(f"{KEY}\n", encoding="utf-8")

    monkeypatch.setattr(keyfile, "_write", later)
    assert keyfile.make(path) == KEY
    assert path.read_text(encoding="utf-8") == f"{KEY}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def as_version_3_left_it(url, hash_key):
    with Ledger.open(url, **ACCOUNT, pii_key=hash_key) as ledger, ledger._store.write() as connection:
        connection.execute(text("delete from meta where name = 'hash_key_fingerprint'"))
        connection.execute(text("drop table budgets"))
        schema.write_meta(connection, "hash_key", hash_key)
        schema.write_meta(connection, "schema_version", "3")


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "opens", [partial(Ledger.open, **ACCOUNT), Ledger.existing], ids=["open", "existing"]
)
def test_the_key_moves_out_of_an_older_ledger(ledger_url, path, opens):
    as_version_3_left_it(ledger_url, KEY)
    with opens(ledger_url) as ledger:
        assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)
    assert path.read_text().strip() == KEY
    assert KEY not in everything(ledger_url)
    with Ledger.open(ledger_url, **ACCOUNT, pii_key=KEY) as ledger:
        assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)


def test_the_key_stays_where_it_is_until_there_is_a_place_for_it(ledger_url, path, monkeypatch):
    as_version_3_left_it(ledger_url, KEY)
    with monkeypatch.context() as patch:
        patch.setattr(keyfile, "beside", lambda _: None)
        with Ledger.existing(ledger_url) as ledger:
            assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)
        with pytest.raises(LedgerError, match="pii_key_file"):
            Ledger.open(ledger_url, **ACCOUNT)
    with pytest.raises(LedgerError, match="without a pii_key"):
        Ledger.open(ledger_url, **ACCOUNT, pii_key=f"{KEY}!")
    with Ledger.open(ledger_url, **ACCOUNT, pii_key_file=str(path)) as ledger:
        assert ledger.privacy.hash(NUMBER) == hasher(KEY)(NUMBER)
    assert KEY not in everything(ledger_url)


@pytest.mark.both_databases
def test_the_key_does_not_move_over_another_one(ledger_url, path):
    as_version_3_left_it(ledger_url, KEY)
    path.write_text(f"{KEY}!\n")
    with pytest.raises(LedgerError, match="another key"):
        Ledger.open(ledger_url, **ACCOUNT)
    assert path.read_text() == f"{KEY}!\n"
