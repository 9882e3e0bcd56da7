"""Files that only their owner can read: reports, ledgers, batches and journals hold what is personal."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import IO, Literal

MODE = 0o600


def opened(path: str | os.PathLike[str], mode: Literal["wb", "ab"]) -> IO[bytes]:
    """Open a file for writing; it is private before anything is written.

    Raises:
        OSError: The file cannot be opened, or belongs to another user.
    """
    return open(path, mode, opener=_opener)


def replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a private file whole: whoever reads it meanwhile finds the old one, or the new one.

    A path that is not a regular file (a pipe, a device) is written to, not replaced.

    Raises:
        OSError: It cannot be written.
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        with opened(place, "wb") as file:
            file.write(content)
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name[:100]}.", dir=place.parent)
    new = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(content)
        new.replace(place)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def try_to_replace(path: str | os.PathLike[str]) -> None:
    """Find out whether ``replace`` could write a file; nothing of it stays.

    Raises:
        OSError: It could not.
    """
    place = Path(os.path.realpath(path))
    if not place.exists() or place.is_file():
        tempfile.TemporaryFile(dir=place.parent).close()
    elif not os.access(place, os.W_OK):
        # Opening a pipe would wait for its reader.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def close_to_others(path: str | os.PathLike[str]) -> None:
    """Take away what others may do with a plain file; a link, a pipe or a device stays as it is.

    Raises:
        OSError: The file does not exist, or belongs to another user.
    """
    mode = os.lstat(path).st_mode
    if stat.S_ISREG(mode) and stat.S_IMODE(mode) & 0o077:
        os.chmod(path, MODE)  # noqa: PTH101


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, MODE)
    try:
        close_to_others(path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
