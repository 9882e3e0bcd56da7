"""What takes long to install, kept in the virtual environment until what it is made from changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from uv import find_uv_bin


def kept(name: str, pins: Iterable[Path], make: Callable[[Path], None]) -> Path:
    """Return a folder of the virtual environment that ``make`` has filled, now or in an earlier run.

    Args:
        name: The folder's; several processes may ask for it at once.
        pins: Files that decide what is in it.
        make: Fills it. What it installs may name its own path, so a folder that was moved is made again.
    """
    folder = Path(sys.prefix) / name
    parts = (os.fsencode(folder), sys.version.encode(), *(path.read_bytes() for path in pins))
    wanted = hashlib.sha256(b"\0".join(parts)).hexdigest()
    stamp = folder / "stamp"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            stamp.write_text(wanted)
    return folder


def environment_of(requirements: Path, *, editable: Path | None = None) -> Path:
    """Return the ``bin`` of a kept environment with all that a requirement file names.

    Args:
        requirements: A complete file, but for what is left out on purpose: dependencies are not followed.
        editable: A project to install beside it.
    """

    def make(folder: Path) -> None:
        uv = find_uv_bin()
        pip = [uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--no-deps"]
        commands = [
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder],
            [*pip, "--require-hashes", "-r", requirements],
            *([[*pip, "--no-build-isolation", "-e", editable]] if editable else []),
        ]
        for command in commands:
            subprocess.run(command, check=True, capture_output=True)

    pins = [requirements, *([editable / "pyproject.toml"] if editable else [])]
    return kept(requirements.stem.removeprefix("requirements-"), pins, make) / "bin"
