"""Changes the product in small ways, one at a time, and names the changes that no quick test notices.

``python -m tests.mutants`` tries the lists beside this file: all, or the mutants of the modules named::

    python -m tests.mutants tap_clicksend/readers/windows.py clicksend/ledger
    python -m tests.mutants --changed           # modules that differ from the last commit, or that it changed
    python -m tests.mutants --list mine.toml    # another list

A mutant names a file, a text that stands in it once, what stands there instead, and why that would be bad.
It is tried in a copy of the checkout against three groups of tests, each until one fails: those that it
names, those of its folder, the whole quick suite (``--narrow`` stops before that).

Exits 1 when more than one in twenty survives, 2 when the list does not fit the product, or when the tests
fail without any mutant.
"""

# ruff: noqa: T201 - a command speaks to people

from __future__ import annotations

import argparse
import compileall
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
LISTS = sorted(Path(__file__).parent.glob("*.toml"))
SECONDS = 900
"""How long the tests of a file or folder may take; a mutant that hangs has been noticed."""
MANY_SECONDS = 7200
"""The same for all tests, one after the other on a busy machine: a slow one must not count as noticed."""
MAY_SURVIVE = 0.05
FAILED, INTERRUPTED, NOTHING = 1, 2, 5
"""Exit codes of pytest: a test failed; the tests could not be collected; there are none."""
FOLDERS = {
    "tap_clicksend": "tests/tap",
    "target_clicksend/messages/gates": "tests/target/messages/gates",
    "target_clicksend/messages": "tests/target/messages",
    "target_clicksend/contacts": "tests/target/contacts",
    "target_clicksend": "tests/target",
    "clicksend/airflow": "tests/orchestrate",
    "clicksend/ledger": "tests/ledger",
    "clicksend/sandbox": "tests/sandbox",
    "clicksend/cli": "tests/cli",
    "clicksend/probe": "tests/cli",
    "clicksend": "tests/library",
    "orchestrate": "tests/orchestrate",
}
"""Where the tests of a folder lie; the first that fits."""
ALL = ["tests"]


class WrongListError(Exception):
    """The list names what is not there."""


@dataclass(frozen=True)
class Mutant:
    """One change of the product.

    Attributes:
        name: What it is called in reports; unique.
        file: Path in the checkout.
        old: What stands in the file, once.
        new: What stands there instead.
        why: What would happen to people's data.
        tests: Tests that are likely to notice, as ``file::test``, or whole files; tried first.
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...] = ()

    def applied(self, text: str) -> str:
        """Return the file's text with the change.

        Raises:
            WrongListError: The old text does not stand in it exactly once, or is the new one.
        """
        found = text.count(self.old)
        if found != 1 or self.old == self.new:
            raise WrongListError(f"{self.name}: its old text stands {found} times in {self.file}")
        return text.replace(self.old, self.new)

    def groups(self, *, narrow: bool) -> Iterator[list[str]]:
        """Yield the groups of tests, as arguments of pytest, the most likely first."""
        if self.tests:
            yield list(self.tests)
        yield [next(tests for folder, tests in FOLDERS.items() if self.file.startswith(folder + "/"))]
        if not narrow:
            yield ALL


def read(lists: Iterable[Path]) -> list[Mutant]:
    """Read lists, and check them against the product.

    Raises:
        WrongListError: A name is there twice, a file or test is missing, or a text does not stand there once.
    """
    mutants = [
        Mutant(**one | {"tests": tuple(one.get("tests", ()))})
        for path in lists
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    ]
    names = [mutant.name for mutant in mutants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise WrongListError(f"these names are there twice: {', '.join(sorted(twice))}")
    for mutant in mutants:
        for name in (mutant.file, *mutant.tests):
            file, *inside = name.split("::")
            if not (ROOT / file).is_file() or not _has(ROOT / file, inside):
                raise WrongListError(f"{mutant.name}: {name} does not exist")
        mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8"))
    return mutants


def _has(file: Path, names: list[str]) -> bool:
    text = file.read_text(encoding="utf-8") if names else ""
    return all(re.search(rf"^ *(?:def|class) {name}\b", text, re.MULTILINE) for name in names)


def changed() -> list[str]:
    """Return the files that differ from the last commit; without any, those that it changed."""
    for against in (["HEAD"], ["HEAD~1", "HEAD"]):
        command = ["git", "diff", "--name-only", *against]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        if files := done.stdout.split():
            return files
    return []


def chosen(mutants: Iterable[Mutant], modules: list[str]) -> list[Mutant]:
    """Return the mutants of the files and folders named; without any name all."""
    wanted = [module.rstrip("/") for module in modules]
    return [
        mutant
        for mutant in mutants
        if not wanted or any(mutant.file == one or mutant.file.startswith(one + "/") for one in wanted)
    ]


@contextmanager
def checkout() -> Iterator[Path]:
    """Make a copy of what git knows of the checkout, changes included."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, Path(folder) / name)
        # By their content, not by time: what is changed and changed back within a second is read anew.
        compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        yield Path(folder)


def notice(folder: Path, tests: list[str], seconds: int = SECONDS, processes: int = 0) -> bool:
    """Run tests in a copy until one fails; return whether one did, or they did not end in so many seconds.

    Args:
        folder: The copy.
        tests: Files and folders.
        seconds: How long they may take.
        processes: How many share them; 0: this command's own.

    Raises:
        WrongListError: pytest could not run at all.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", str(processes), "-p", "no:cacheprovider"]
    command += tests
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["CLICKSEND_TESTS"] = "mutants"
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, FAILED, INTERRUPTED, NOTHING):
        raise WrongListError(done.stderr.decode() or done.stdout.decode())
    return done.returncode in (FAILED, INTERRUPTED)


def survives(mutant: Mutant, folder: Path, *, narrow: bool) -> bool:
    """Tell whether no test notices a mutant, which is applied to a copy and taken back."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(text), encoding="utf-8")
    try:
        return not any(
            notice(folder, tests, MANY_SECONDS if tests == ALL else SECONDS)
            for tests in mutant.groups(narrow=narrow)
        )
    finally:
        path.write_text(text, encoding="utf-8")


def sound(mutants: Iterable[Mutant], folder: Path, workers: int) -> None:
    """Check that the tests named pass without any mutant, or each of them would seem to be noticed.

    Raises:
        WrongListError: They do not.
    """
    tests = sorted({one for mutant in mutants for one in next(mutant.groups(narrow=True))})
    if notice(folder, tests, MANY_SECONDS, workers):
        raise WrongListError("the tests fail without any mutant, too; run them first")


def main() -> int:
    """Try the mutants and print one line for each, then the survivors."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="files or folders of the product; default: all")
    parser.add_argument("--changed", action="store_true", help="the modules that differ from the last commit")
    parser.add_argument("--list", type=Path, action="append", help="another list than those beside this file")
    parser.add_argument("--narrow", action="store_true", help="do not try survivors on the whole suite")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many are tried at once")
    asked = parser.parse_args()
    try:
        mutants = chosen(read(asked.list or LISTS), asked.modules + (changed() if asked.changed else []))
        return _try_all(mutants, asked.workers, narrow=asked.narrow)
    except WrongListError as wrong:
        print(wrong, file=sys.stderr)
        return 2


def _try_all(mutants: list[Mutant], workers: int, *, narrow: bool) -> int:
    folders: SimpleQueue[Path] = SimpleQueue()

    def attempt(mutant: Mutant) -> bool:
        began, folder = time.monotonic(), folders.get()
        try:
            alive = survives(mutant, folder, narrow=narrow)
        finally:
            folders.put(folder)
        verdict = "SURVIVES" if alive else "noticed"
        print(f"{verdict:9}{time.monotonic() - began:6.1f} s  {mutant.name}: {mutant.why}", flush=True)
        return alive

    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            folders.put(stack.enter_context(checkout()))
        sound(mutants, first := folders.get(), workers)
        folders.put(first)
        alive = list(pool.map(attempt, mutants))
    survivors = [mutant for mutant, survived in zip(mutants, alive, strict=True) if survived]
    for mutant in survivors:
        print(f"\n{mutant.name} in {mutant.file}: {mutant.why}\n- {mutant.old}\n+ {mutant.new}")
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} mutants were noticed.")
    return int(len(survivors) > MAY_SURVIVE * len(mutants))


if __name__ == "__main__":
    sys.exit(main())
