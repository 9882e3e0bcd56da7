"""Airflow finds the provider, and its Test button asks `clicksend doctor`."""

from __future__ import annotations

import json
import subprocess

import pytest

from clicksend.airflow import get_provider_info
from clicksend.sandbox import API_KEY, USERNAME
from tests.command import environment

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def airflow(airflow_python, tmp_path_factory):
    """Return a function that runs an Airflow command."""
    home = tmp_path_factory.mktemp("airflow")

    def airflow(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [airflow_python, "-m", "airflow", *arguments],
            env=environment(AIRFLOW_HOME=str(home), AIRFLOW__CORE__TEST_CONNECTION="Enabled", **env),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return airflow


def test_airflow_lists_its_connection_type(airflow):
    done = airflow("providers", "hooks", "--output", "json")
    assert done.returncode == 0, done.stderr
    hooks = {hook["connection_type"]: hook for hook in json.loads(done.stdout)}
    assert hooks["clicksend"]["class"] == "clicksend.airflow.hook.ClickSendHook"
    assert hooks["clicksend"]["package_name"] == "singer-clicksend"


def test_its_description_is_as_airflow_wants_it(airflow_python, tmp_path):
    """The schema refuses what it does not know."""
    program = """
import json, pathlib, sys
import airflow, jsonschema
from clicksend.airflow import get_provider_info
folder = pathlib.Path(airflow.__path__[0])
for name in ("provider_info.schema.json", "provider.yaml.schema.json"):
    schema = json.loads((folder / name).read_text())
    schema.pop("required", None)
    jsonschema.validate(get_provider_info(), schema)
print("valid")
"""
    done = subprocess.run(
        [airflow_python, "-c", program],
        env=environment(AIRFLOW_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "valid", done.stderr[-2000:]


def connection(box, **more: str) -> dict[str, str]:
    fields = {"conn_type": "clicksend", "login": USERNAME, "password": API_KEY, "host": box.api_url, **more}
    return {"AIRFLOW_CONN_CLICKSEND_DEFAULT": json.dumps(fields)}


def test_the_test_of_a_right_key_succeeds(airflow, box):
    done = airflow("connections", "test", "clicksend_default", **connection(box))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, said
    assert "Connection success!" in said
    assert API_KEY not in said


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "wrong-key-0123"}, "The key was not accepted, or the account is not activated"),
        ({"host": "example.com/v3"}, "Setting api_url must be a URL that begins with https://"),
        ({"password": ""}, "which needs ClickSend's own key"),
    ],
)
def test_the_test_of_a_wrong_one_says_what_to_do(airflow, box, fields, sentence):
    done = airflow("connections", "test", "clicksend_default", **connection(box, **fields))
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1
    assert "Connection failed!" in said
    assert sentence in said
    assert "wrong-key-0123" not in said


def test_its_secrets_are_password_fields():
    fields = get_provider_info()["connection-types"][0]["conn-fields"]
    secret = {name for name, field in fields.items() if field["schema"].get("format") == "password"}
    assert secret == {"ledger_url", "pii_key"}
