"""A pipe of processes ends as a whole, whoever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import psutil
import pytest

from clicksend.airflow.processes import Pipe, without_secrets
from tests.e2e.checkout import ROOT

PATIENCE = 30.0


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def pipe(*commands: list[str], **more) -> Pipe:
    return Pipe(commands, env=dict(os.environ), **more)


def gone(pids) -> bool:
    """Wait until processes are no more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_what_all_say_is_read_and_each_code_told(tmp_path):
    with (tmp_path / "out").open("wb") as out:
        commands = [shell("echo row; echo tap >&2; exit 4"), shell("cat; printf 'target \\377' >&2; exit 5")]
        with pipe(*commands, output=out) as running:
            assert sorted(running.lines()) == ["tap", "target �"]
            assert running.codes() == [4, 5]
    assert (tmp_path / "out").read_text() == "row\n"


def test_without_an_output_the_last_ones_lines_are_read_too():
    with pipe(shell("echo row"), shell("cat")) as running:
        assert list(running.lines()) == ["row"]
        assert running.codes() == [0, 0]


def test_a_program_that_cannot_be_started_leaves_none_behind(tmp_path):
    pid = tmp_path / "pid"
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        pipe(shell(f"echo $$ > {pid}; exec sleep 60"), ["no-such-program"])
    assert not pid.exists() or gone([int(pid.read_text())])


def test_a_stop_reaches_grandchildren_and_waits_for_what_they_finish(tmp_path):
    """As a target does, that awaits the answer to the request that is under way."""
    done = tmp_path / "done"
    careful = f"trap 'sleep 1; touch {done}; exit 143' TERM; echo up; while :; do sleep 0.05; done"
    with pipe(shell(f"({careful}) & wait")) as running:
        lines = running.lines()
        assert next(lines) == "up"
        running.stop()
        assert done.exists()
        assert running.codes() == [143]


@pytest.mark.long
def test_what_does_not_listen_is_ended():
    with pipe(shell("trap '' TERM; echo up; while :; do sleep 0.05; done")) as running:
        assert next(running.lines()) == "up"
        running.stop(patience=0.5)
        assert running.codes() == [137]


@pytest.mark.long
def test_a_signal_handler_may_stop_it_while_its_lines_are_read():
    previous = signal.getsignal(signal.SIGUSR1)
    with pipe(shell("echo up; exec sleep 60"), shell("cat")) as running:
        signal.signal(signal.SIGUSR1, lambda *_: running.stop())
        try:
            main = os.getpid()
            lines = running.lines()
            assert next(lines) == "up"
            Thread(target=lambda: (time.sleep(0.3), os.kill(main, signal.SIGUSR1))).start()
            assert list(lines) == []
            assert running.codes()[0] == 143
        finally:
            signal.signal(signal.SIGUSR1, previous)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_children_stop_when_who_started_them_is_killed(tmp_path):
    code = (
        "import os; from clicksend.airflow.processes import Pipe;"
        "commands = [['sh', '-c', 'echo $$ >&2; exec sleep 60'], ['cat']];"
        "pipe = Pipe(commands, env=os.environ);"
        "[print(line, flush=True) for line in pipe.lines()]"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    first = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone([first])


def test_what_a_child_may_have():
    env = {
        "PATH": "/bin",
        "MELTANO_DATABASE_URI": "postgresql://",
        "AIRFLOW__CORE__FERNET_KEY": "x",
        "AIRFLOW_CONN_CLICKSEND_NZ": "x",
        "_AIRFLOW_X": "x",
        "CLICKSEND_API_KEY": "x",
        "SKILLBOSS_API_KEY": "x",
    }
    assert set(without_secrets(env)) == {"PATH", "MELTANO_DATABASE_URI"}


def test_nothing_in_the_provider_but_hook_and_operator_needs_airflow():
    names = [path.stem for path in Path(ROOT, "clicksend/airflow").glob("*.py") if path.stem != "__init__"]
    free = sorted(set(names) - {"hook", "operator"})
    assert free == ["ending", "meltano", "processes", "warehouse"]
    imports = ", ".join(f"clicksend.airflow.{name}" for name in free)
    code = f"import sys, {imports}; print('airflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
