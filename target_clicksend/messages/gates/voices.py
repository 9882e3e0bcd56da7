"""The gate for voices: not every language has both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from target_clicksend.messages.message import Message
from target_clicksend.row import Rejected

Voices = Mapping[str, tuple[str, ...]]
"""Voices of each language, by its code."""


def read_voices(languages: Iterable[Mapping[str, Any]]) -> Voices:
    """Return the voices from the rows of ``GET /voice/lang``; ``gender`` is text or an array (documented)."""
    voices: dict[str, tuple[str, ...]] = {}
    for language in languages:
        genders = language.get("gender") or ()
        named = [genders] if isinstance(genders, str) else genders
        voices[str(language.get("code")).lower()] = tuple(sorted(str(one).lower() for one in named))
    return voices


def check_voice(message: Message, voices: Voices) -> None:
    """Turn away a call that no voice can speak.

    Raises:
        Rejected: There is no such language, or it lacks that voice.
    """
    if message.lang not in voices:
        raise Rejected(f"lang is not a voice language: choose one of {', '.join(sorted(voices))}")
    if message.voice not in voices[message.lang]:
        raise Rejected(f"voice is not offered in this lang: there is {', '.join(voices[message.lang])}")
