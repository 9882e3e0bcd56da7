"""The fixture for other people's tests, used as a stranger would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


@pytest.mark.long
def test_a_stranger_s_test_as_the_docs_show_it(tmp_path):
    """Two files of their own, our package installed, and nothing of ours around."""
    section = PAGE.read_text(encoding="utf-8").partition("## In tests")[2].partition("\n## ")[0]
    files = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", section, re.DOTALL))
    assert files.keys() == {"conftest.py", "test_reminders.py"}
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "test_apart.py").write_text(
        "def test_nothing_is_left_of_the_other_test(clicksend_sandbox):\n"
        "    assert clicksend_sandbox.arrivals() == []\n"
        "    rows = clicksend_sandbox.state()['rows']\n"
        "    assert (rows['sms_history'], rows['contacts']) == (0, 0)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # theirs are not ours
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^3 passed", done.stdout, re.MULTILINE), done.stdout
