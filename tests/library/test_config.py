"""Where the settings of a command come from."""

import json

import pytest

from clicksend import logs
from clicksend.config import load_config, with_defaults
from clicksend.errors import SettingsError
from tap_clicksend.tap import TapClickSend

PROPERTIES = {
    "ledger_url": {"type": "string", "default": "sqlite:///own.db"},
    "timeout": {"type": "number"},
    "clear_keys": {"type": "array", "items": {"type": "string"}, "default": []},
}


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    monkeypatch.setenv("TARGET_CLICKSEND_TIMEOUT", "2.50")
    monkeypatch.setenv("TARGET_CLICKSEND_CLEAR_KEYS", '["id"]')
    monkeypatch.setenv("TARGET_CLICKSEND_LEDGER_URL", "")
    monkeypatch.setenv("TARGET_CLICKSEND_OTHER", "x")


def test_without_a_file_the_variables_count_each_of_its_own_type():
    found = load_config(None, PROPERTIES, "TARGET_CLICKSEND_")
    assert found == {"ledger_url": "sqlite:///own.db", "timeout": 2.5, "clear_keys": ["id"]}


def test_with_a_file_no_variable_counts(tmp_path):
    (path := tmp_path / "c.json").write_text(json.dumps({"timeout": "3", "username": None, "page_size": 5}))
    found = load_config(path, PROPERTIES, "TARGET_CLICKSEND_")
    assert found == {"ledger_url": "sqlite:///own.db", "timeout": 3, "clear_keys": [], "page_size": 5}


def test_a_command_without_a_prefix_reads_no_variables():
    assert load_config(None, PROPERTIES) == {"ledger_url": "sqlite:///own.db", "clear_keys": []}
    assert load_config(None) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"timeout": NaN}', '{"timeout": [1e999]}'])
def test_a_file_that_holds_no_settings_is_refused(tmp_path, text):
    (path := tmp_path / "c.json").write_text(text)
    with pytest.raises(SettingsError):
        load_config(path)


def test_a_file_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="--config cannot be read"):
        load_config(tmp_path / "none.json")


SETTINGS = TapClickSend.config_jsonschema["properties"]
SECRETS = [name for name, schema in SETTINGS.items() if schema.get("secret")]


@pytest.mark.parametrize("name", SECRETS)
def test_what_is_secret_is_hidden_in_logs_from_the_moment_it_is_read(monkeypatch, name):
    monkeypatch.setattr(logs, "_secrets", set())
    given = {
        name: "postgresql://me:word-of-the-database@h/x" if name == "ledger_url" else "s3cr3t-of-16-or-more"
    }
    with_defaults(given | {"start_date": "2026-10-01T00:00:00Z"}, SETTINGS)
    shown = logs.clean(f"{given[name]} word-of-the-database s3cr3t-of-16-or-more 2026-10-01T00:00:00Z")
    assert given[name] not in shown
    assert shown.count("[key]") == 2
    assert shown.endswith(" 2026-10-01T00:00:00Z")
