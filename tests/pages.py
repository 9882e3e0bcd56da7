"""What README and docs say to type, and a shell to type it into."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = {
    file.name: file.read_text(encoding="utf-8")
    for file in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
}
"""Texts of the pages, by their names."""


def blocks(page: str, kind: str = "bash") -> list[str]:
    """Return the blocks of a kind in a page, without the page's indent."""
    found = re.finditer(rf"^( *)```{kind}\n(.*?)^\1```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(one[2]) for one in found]


def block_of(page: str, pattern: str, kind: str = "bash") -> str:
    """Return the only block of a page in which a pattern is found."""
    (text,) = [text for text in blocks(page, kind) if re.search(pattern, text)]
    return text


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Return a block with the values of somebody's own, each in the one place where a made-up one stands."""
    for made_up, value in values.items():
        assert text.count(made_up) == 1, made_up
        text = text.replace(made_up, value)
    return text


def typed(text: str, folder: Path, env: Mapping[str, str], *, seconds: float = 300) -> str:
    """Type a block into a shell, which has to take all of it; return what it prints, errors at the end.

    Args:
        text: The block.
        folder: Where the shell is.
        env: All of its variables.
        seconds: How long it may take.
    """
    done = subprocess.run(
        ["bash", "-euc", text],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
