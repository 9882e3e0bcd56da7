"""The project file: whole, pinned, and a real run of its job into a real PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml

from clicksend.sandbox import Sandbox
from demo.__main__ import RETENTION
from demo.warehouse import Count, count
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from target_clicksend.target import TargetClickSend
from tests.e2e.checkout import MELTANO, ROOT
from tests.e2e.meltano_project import connection, query
from tests.target.runner import line_of, record, schema

DAY = 86_400
NUMBER = "+12015550123"
KINDS = {
    "string": "string",
    "options": "string",
    "date_iso8601": "string",
    "integer": "integer",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}


def definition(name: str) -> dict:
    """Return a plugin as meltano.yml has it, with what a lock file adds."""
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text())["plugins"]
    kind, plugin = next(
        (kind, plugin) for kind in plugins for plugin in plugins[kind] if plugin["name"] == name
    )
    if "namespace" in plugin:
        return plugin
    return json.loads((ROOT / f"plugins/{kind}/{name}--{plugin['variant']}.lock").read_text()) | plugin


@pytest.mark.parametrize("file", MELTANO)
def test_the_project_files_are_what_meltanos_own_schema_allows(file):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.meltano", file]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_way_over_files_is_left_out_until_it_is_asked_for():
    """It takes half a gigabyte more."""
    project, files = (yaml.safe_load((ROOT / name).read_text()) for name in MELTANO)
    assert "include_paths" not in project
    assert "\n# include_paths: [files.meltano.yml]" in "\n" + (ROOT / "meltano.yml").read_text()
    for kind, plugins in files["plugins"].items():
        for plugin in plugins:
            assert plugin["inherit_from"] in {one["name"] for one in project["plugins"][kind]}
            for name in re.findall(r"requirements-[\w-]+\.txt", plugin["pip_url"]):
                assert (ROOT / name).exists()


@pytest.mark.parametrize("kind", [TapClickSend, TargetClickSend])
def test_our_own_plugins_are_defined_as_they_are(kind):
    kind.append_builtin_config(kind.config_jsonschema)
    own, plugin = kind.config_jsonschema["properties"], definition(kind.name)
    settings = {setting["name"]: setting for setting in plugin["settings"]}
    assert settings.keys() == own.keys()
    for name, setting in settings.items():
        assert setting.get("sensitive", False) == own[name].get("secret", False), name
        assert setting.get("value") == own[name].get("default"), name
        assert [option["value"] for option in setting.get("options", ())] == own[name].get("enum", []), name
        # Meltano 4.4 reads a decimal from the environment, and fails to pass it on.
        wanted = "string" if own[name]["type"] == "number" else own[name]["type"]
        assert KINDS[setting["kind"]] in wanted, name
        assert setting["label"]
        assert setting["description"]
    assert plugin.get("config", {}).keys() <= own.keys()
    assert sorted(plugin["capabilities"]) == sorted(capability.value for capability in kind.capabilities)


@pytest.mark.long
@pytest.mark.parametrize("name", ["tap-postgres", "target-postgres"])
def test_the_settings_of_others_exist(meltano, name):
    about = json.loads(meltano("invoke", name, "--about", "--format=json"))
    plugin = definition(name)
    names = {setting["name"] for setting in plugin["settings"]}
    assert names <= about["settings"]["properties"].keys()
    assert plugin["config"].keys() <= names
    assert set(plugin["capabilities"]) == set(about["capabilities"])


def test_no_secret_is_in_the_project_file():
    for environment in yaml.safe_load((ROOT / "meltano.yml").read_text())["environments"]:
        plugins = environment["config"]["plugins"]
        for plugin in (*plugins["extractors"], *plugins["loaders"]):
            key = plugin["config"]["api_key"]
            assert key.startswith("$") or environment["name"] == "sandbox"


@pytest.mark.long
def test_the_job_loads_everything_then_what_is_new_and_marks_what_is_gone(meltano, warehouse, hub):
    with Sandbox(seed=1, messages=600, contacts=100) as box:

        def load() -> dict[str, Count]:
            since = datetime.now(UTC)
            meltano(
                *("run", "clicksend-to-warehouse"),
                TAP_CLICKSEND_API_URL=box.api_url,
                **connection(warehouse),
            )
            state = box.state()
            horizon = datetime.fromtimestamp(state["now"], UTC) - RETENTION
            counts = count(warehouse, since=since, horizon=horizon)
            held = {stream.name: state["rows"][stream.name] for stream in ALL if stream.selected_by_default}
            assert {stream: rows.current for stream, rows in counts.items()} == held
            return counts

        first = load()
        assert all(rows.loaded == rows.current and not rows.kept for rows in first.values())
        contacts = query(warehouse, "select list_id, contact_id from clicksend.contacts")

        box.advance(10 * DAY)  # so far that the API drops its oldest messages
        history = load()["sms_history"]
        assert history.kept
        new = history.current + history.kept - first["sms_history"].current
        assert 0 < new <= history.loaded < history.current / 2
        gone = query(
            warehouse, "select list_id, contact_id from clicksend.contacts where _sdc_deleted_at is not null"
        )
        assert gone
        assert set(gone) <= set(contacts)
    assert hub.asked == []


@pytest.mark.long
def test_a_text_that_postgresql_cannot_store_does_not_stop_the_load(meltano, warehouse, tmp_path):
    schema = {"properties": {"id": {"type": "integer"}, "body": {"type": "string"}}}
    messages = [
        {"type": "SCHEMA", "stream": "texts", "schema": schema, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "texts", "record": {"id": 1, "body": "10\0 off"}},
    ]
    path = tmp_path / "messages.jsonl"
    path.write_text("\n".join(map(json.dumps, messages)))
    env = {"TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "elsewhere", **connection(warehouse)}
    meltano("invoke", "target-postgres", "--input", str(path), **env)
    assert query(warehouse, "select body from elsewhere.texts") == [("10\ufffd off",)]


@pytest.mark.long
@pytest.mark.parametrize(("environment", "auth"), [("prod-hub", "bearer"), ("prod", "basic")])
def test_production_environments_take_their_keys_from_dotenv(meltano, tmp_path, environment, auth):
    """Each takes its own, though those of the other are there as well; each has a ledger of its own."""
    hub_key, key = ("sandbox-key", "other") if environment == "prod-hub" else ("sk-other", "sandbox-key")
    dotenv = meltano.project / ".env"
    dotenv.write_text(f"SKILLBOSS_API_KEY={hub_key}\nCLICKSEND_USERNAME=sandbox\nCLICKSEND_API_KEY={key}\n")
    row = tmp_path / "row.jsonl"
    messages = [
        schema("contacts", ["id", "phone_number"]),
        record("contacts", {"id": 1, "phone_number": NUMBER}),
    ]
    row.write_bytes(b"".join(map(line_of, messages)))
    with Sandbox(seed=1, messages=10, contacts=5) as box:
        url = box.hub_api_url if environment == "prod-hub" else box.api_url
        env = {"TAP_CLICKSEND_API_URL": url, "TARGET_CLICKSEND_API_URL": url}
        meltano("--environment", environment, "invoke", "tap-clicksend", "--test", **env)
        meltano("--environment", environment, "invoke", "target-clicksend", "--input", str(row), **env)
        # ClickSend's specification has no MMS receipts.
        requests = [one for one in box.requests() if one["path"] != "/mms/receipts"]
        assert {(one["auth"], one["status"]) for one in requests} == {(auth, 200)}
    dotenv.unlink()
    ledger = meltano.project / f"clicksend_ledger_{environment}.db"
    listed = meltano("invoke", "target-clicksend:ledger", "list", "--ledger-url", f"sqlite:///{ledger}")
    assert "created" in listed
