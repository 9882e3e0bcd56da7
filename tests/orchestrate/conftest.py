"""An environment with Airflow, made once and kept, and what it says of the DAGs and the operator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.command import environment
from tests.e2e.checkout import ROOT
from tests.e2e.kept import environment_of

ACCOUNTS = ("clicksend_default", "clicksend_nz")
KEY = "canary-of-a-key-0123456789"
SECRETS = (KEY, "canary-pii-key", "canary-ledger.db", "sk-of-the-hub-0123456789", "canary/password")
AIRFLOW = ROOT / "requirements-airflow.txt"


@pytest.fixture(scope="session")
def airflow_python() -> Path:
    """Return the Python that has Airflow and this checkout."""
    return environment_of(AIRFLOW, editable=ROOT) / "python"


@pytest.fixture(scope="session")
def inside(airflow_python, tmp_path_factory):
    """Return what Airflow made of the DAGs, and of the operator in many ways."""
    home = tmp_path_factory.mktemp("airflow")
    env = environment(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://nobody@127.0.0.1:1/nothing",
        AIRFLOW__CORE__FERNET_KEY="",
        PYTHONPATH=str(ROOT),  # a mutant is tried in a copy of the checkout
        KEY_OF_THE_TEST=KEY,
        SKILLBOSS_API_KEY="sk-of-somebody-else",
        CLICKSEND_ACCOUNTS=",".join(ACCOUNTS),
    )
    done = subprocess.run(
        [airflow_python, Path(__file__).with_name("inside.py")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
