"""What CHANGELOG.md tells to do to those who ran an earlier version."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.e2e.checkout import ROOT

pytestmark = pytest.mark.long
JOB = "tap-clicksend-to-target-postgres"
RENAMING = textwrap.dedent(re.search(r"```bash\n(.*?)```", (ROOT / "CHANGELOG.md").read_text(), re.DOTALL)[1])


def test_environments_that_were_renamed_keep_their_ledgers_and_states(tmp_path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }

    def shell(command):
        done = subprocess.run(
            ["bash", "-euc", command],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "meltano.yml").write_text("version: 1\nenvironments: [{name: prod}, {name: prod-hub}]\n")
    for name in ("prod", "prod-direct"):
        state = json.dumps({"singer_state": {"of": name}})
        shell(f"meltano state set --force {name}:{JOB} '{state}'")
        for end in ("db", "db.key", "db-wal"):
            (tmp_path / f"clicksend_ledger_{name}.{end}").write_text(name)
    shell(RENAMING)
    for now, before in {"prod": "prod-direct", "prod-hub": "prod"}.items():
        assert json.loads(shell(f"meltano state get {now}:{JOB}")) == {"singer_state": {"of": before}}
        for end in ("db", "db.key", "db-wal"):
            assert (tmp_path / f"clicksend_ledger_{now}.{end}").read_text() == before
    assert len(list(tmp_path.glob("clicksend_ledger_*"))) == 6
