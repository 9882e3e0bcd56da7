"""What a test orders beside replies: statuses of messages to come, and the balance.

Nothing that the API offers, but changes of the world like its writes.
"""

import msgspec

from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.places import millionths
from clicksend.sandbox.rows import Forced
from clicksend.sandbox.simulation import Simulation


def statuses(sim: Simulation, call: Call) -> Answer:
    """Order a status."""
    sim.store.forced.append(msgspec.convert(call.body, Forced))
    return Answer(sim.store.forced[-1], "")


def clear_statuses(sim: Simulation, _: Call) -> Answer:
    """Take all orders of statuses back."""
    cleared = len(sim.store.forced)
    sim.store.forced.clear()
    return Answer({"cleared": cleared}, "")


def balance(sim: Simulation, call: Call) -> Answer:
    """Set what the account has left."""
    sim.store.credit = millionths(call.body["balance"])
    return Answer({"balance": call.body["balance"]}, "")
