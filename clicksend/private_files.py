"""Files that only their owner can read: reports, ledgers, batches and journals hold what is personal."""

from __future__ import annotations

import os
import stat
from typing import IO, Literal

MODE = 0o600


def opened(path: str | os.PathLike[str], mode: Literal["wb", "ab"]) -> IO[bytes]:
    """Open a file for writing; it is private before anything is written.

    Raises:
        OSError: The file cannot be opened, or belongs to another user.
    """
    return open(path, mode, opener=_opener)


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
