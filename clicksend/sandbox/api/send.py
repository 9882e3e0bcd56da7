"""Sending and pricing text messages, picture messages and calls; uploading what they carry."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

from clicksend.sandbox.api.answers import Answer, Call, bad_fields
from clicksend.sandbox.api.bodies import required
from clicksend.sandbox.api.messages import need_voice
from clicksend.sandbox.api.outgoing import Batch, read
from clicksend.sandbox.formats.live_account import as_number
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world.countries import millionths
from clicksend.sandbox.world.identifiers import random_uuid
from clicksend.sandbox.world.rows import SUCCESS, Outgoing, Upload

T = TypeVar("T")


def sms_send(sim: Simulation, call: Call) -> Answer:
    """POST /sms/send: 200 and SUCCESS whatever becomes of the messages; each has its own status."""
    return _send(sim, call, "sms")


def mms_send(sim: Simulation, call: Call) -> Answer:
    """POST /mms/send."""
    return _send(sim, call, "mms")


def voice_send(sim: Simulation, call: Call) -> Answer:
    """POST /voice/send: 403 unless the account may call."""
    need_voice(sim)
    return _send(sim, call, "voice")


def sms_price(sim: Simulation, call: Call) -> Answer:
    """POST /sms/price: looks like the answer to a send, ids included, and sends nothing."""
    return _price(sim, call, "sms")


def mms_price(sim: Simulation, call: Call) -> Answer:
    """POST /mms/price."""
    return _price(sim, call, "mms")


def voice_price(sim: Simulation, call: Call) -> Answer:
    """POST /voice/price: 403 unless the account may call."""
    need_voice(sim)
    return _price(sim, call, "voice")


def without_one(rows: Sequence[T]) -> list[T]:
    """Leave out the one in the middle."""
    middle = len(rows) // 2
    return [*rows[:middle], *rows[middle + 1 :]]


def _send(sim: Simulation, call: Call, channel: str) -> Answer:
    wishes = read(sim, call.body, channel)
    batch = Batch(sim, call, channel, trial=False)
    rows = list(map(batch.judge, wishes))
    batch.send(rows)
    return _answer(sim, channel, rows, f"{channel}_send", "Messages queued for delivery.")


def _price(sim: Simulation, call: Call, channel: str) -> Answer:
    batch = Batch(sim, call, channel, trial=True)
    rows = list(map(batch.judge, read(sim, call.body, channel)))
    return _answer(sim, channel, rows, f"{channel}_price", "Here are your data.")


def _answer(sim: Simulation, channel: str, rows: list[Outgoing], name: str, message: str) -> Answer:
    spell: Callable[[Outgoing], dict[str, object]] = getattr(sim.sent_shapes, name)
    paid = sum(millionths(row.message.price) for row in rows if row.status == SUCCESS)
    shapes = [spell(row) for row in _shown(sim, rows)]
    price = as_number(Decimal(paid) / 1_000_000)
    return Answer(sim.sent_shapes.totals(price, rows, shapes, channel), message)


def _shown(sim: Simulation, rows: Sequence[Outgoing]) -> Sequence[Outgoing]:
    """Order the rows of an answer as switched, and lose one."""
    order = sim.switches.answer_order
    if order == "reversed":
        rows = rows[::-1]
    elif order == "shuffled":
        rows = Random(len(rows)).sample(rows, len(rows))
    return without_one(rows) if sim.switches.answer_rows == "one_missing" else rows


_CONVERSIONS = {"fax": "pdf", "mms": "jpg", "csv": "csv", "post": "pdf", "postcard": "pdf"}
"""What a file is converted for, and the kind of file that it becomes."""
_KEPT = 600  # seconds; an older example keeps files for a week


def upload(sim: Simulation, call: Call) -> Answer:
    """POST /uploads: base64 in JSON or a file of a form, which ``bodies`` has turned into the same."""
    kind = _CONVERSIONS.get(call.query.get("convert", ""))
    if kind is None:
        raise bad_fields({"convert": f"Convert must be one of {', '.join(_CONVERSIONS)}."})
    content = required(call.body, ["content"])["content"]
    try:
        b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise bad_fields({"content": "Content is not valid."}) from None
    key = sim.store.new_id("uploads")
    name = f"{random_uuid(Random(f'upload {sim.plan.seed} {key}'))}.{kind}"
    row = Upload(
        upload_id=key,
        file_name=name,
        date_added=sim.now,
        date_delete=sim.now + _KEPT,
        url=f"https://media.example.com/_media/{name}",
    )
    return Answer(sim.sent_shapes.uploads(row), "File uploaded successfully.")
