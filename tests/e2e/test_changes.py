"""What CHANGELOG.md tells to do to those who ran an earlier version."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.pages import block_of, typed

pytestmark = pytest.mark.long
JOB = "tap-clicksend-to-target-postgres"


def test_environments_that_were_renamed_keep_their_ledgers_and_states(tmp_path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    (tmp_path / "meltano.yml").write_text("version: 1\nenvironments: [{name: prod}, {name: prod-hub}]\n")
    for name in ("prod", "prod-direct"):
        state = json.dumps({"singer_state": {"of": name}})
        typed(f"meltano state set --force {name}:{JOB} '{state}'", tmp_path, environment)
        for end in ("db", "db.key", "db-wal"):
            (tmp_path / f"clicksend_ledger_{name}.{end}").write_text(name)
    typed(block_of("CHANGELOG.md", ""), tmp_path, environment)
    for now, before in {"prod": "prod-direct", "prod-hub": "prod"}.items():
        said = typed(f"meltano state get {now}:{JOB} 2>log", tmp_path, environment)
        assert json.loads(said) == {"singer_state": {"of": before}}
        for end in ("db", "db.key", "db-wal"):
            assert (tmp_path / f"clicksend_ledger_{now}.{end}").read_text() == before
    assert len(list(tmp_path.glob("clicksend_ledger_*"))) == 6
