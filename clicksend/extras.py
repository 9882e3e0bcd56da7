"""How to get an extra of this package, in the way in which the package itself was installed."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

PACKAGE = "singer-clicksend"
Extra = Literal["airflow", "arrow", "postgres", "s3", "sandbox", "spark"]


def to_install(*extras: Extra) -> str:
    """Return what a person does to get extras, such as "install it with pip install 'singer-clicksend[s3]'".

    It names no index and no address: pip, pipx, uv and Meltano know theirs.
    """
    environment, wanted = Path(sys.prefix), f"[{','.join(extras)}]"
    if ".meltano" in environment.parts:
        return f"add {wanted} to {PACKAGE} in the plugin's pip_url, and run meltano install"
    if (environment / "pipx_metadata.json").is_file():
        return f"install it with pipx inject {PACKAGE} '{PACKAGE}{wanted}'"
    if (receipt := environment / "uv-receipt.toml").is_file():
        return _anew(receipt, extras)
    program = "uv pip" if _noted("INSTALLER").strip() == "uv" else "pip"
    return f"install it with {program} install '{PACKAGE}{wanted}'"


def _anew(receipt: Path, extras: tuple[Extra, ...]) -> str:
    """Return how uv makes a tool anew: it has to be told all extras, those that are there, too."""
    requirements = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
    had: list[str] = next((one.get("extras", []) for one in requirements if one["name"] == PACKAGE), [])
    wanted = f"{PACKAGE}[{','.join(sorted({*had, *extras}))}]"
    if _noted("direct_url.json"):
        return f"install it with uv tool install, from where you had {PACKAGE}, now as {wanted}"
    return f"install it with uv tool install '{wanted}'"


def _noted(file: str) -> str:
    """Return what was noted of the installation; nothing where a checkout runs that nobody has installed."""
    try:
        return distribution(PACKAGE).read_text(file) or ""
    except PackageNotFoundError:
        return ""
