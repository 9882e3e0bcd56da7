"""Numbers and codes that must not show: neither in the list of processes nor on the screen."""

from __future__ import annotations

import io

import click
import pytest

from clicksend.cli.arguments import private

COMMAND = click.Command("verify")
CODE = click.Argument(["code"])


class Input(io.StringIO):
    def __init__(self, text, *, is_terminal):
        super().__init__(text)
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


def given(value):
    return private(click.Context(COMMAND), CODE, value)


def test_what_a_person_types_is_not_shown(monkeypatch):
    asked = []

    def prompt(text, **how):
        asked.append((text, how))
        return "123456"

    monkeypatch.setattr("sys.stdin", Input("", is_terminal=True))
    monkeypatch.setattr(click, "prompt", prompt)
    assert given("-") == "123456"
    assert asked == [("CODE", {"hide_input": True, "err": True})]


def test_a_line_of_standard_input_is_one_argument(monkeypatch):
    monkeypatch.setattr("sys.stdin", Input(" 123456 \nnext\n\n", is_terminal=False))
    assert (given("-"), given("-")) == ("123456", "next")
    with pytest.raises(click.BadParameter, match="no line for it"):
        given("-")
    assert given("7") == "7"
