"""Sending and pricing text messages, picture messages and calls."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.endpoints.messages import need_voice
from clicksend.sandbox.live_account import as_number
from clicksend.sandbox.outgoing import Batch
from clicksend.sandbox.places import millionths
from clicksend.sandbox.rows import SUCCESS, Outgoing
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.wishes import read

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
