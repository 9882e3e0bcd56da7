"""Arguments that must not show in the list of processes: numbers, codes."""

from __future__ import annotations

import sys

import click


def private(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return an argument; of ``-`` the next line of standard input, asked for where that is a terminal.

    Raises:
        BadParameter: There is no such line.
    """
    if value != "-":
        return value
    if sys.stdin.isatty():
        return str(click.prompt(param.human_readable_name, hide_input=True, err=True))
    if line := sys.stdin.readline().strip():
        return line
    raise click.BadParameter("it is -, but standard input has no line for it.", ctx, param)
