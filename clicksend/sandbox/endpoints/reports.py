"""Usage by month, statistics by day."""

from clicksend.sandbox import reports
from clicksend.sandbox.answers import Answer, Call, Refusal, number
from clicksend.sandbox.simulation import Simulation

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_LAST_MONTH = 12


def account_usage(sim: Simulation, call: Call) -> Answer:
    """GET /account/usage/{year}/{month}/{type}: there is but one type, whatever the documentation says."""
    if call.path["type"] != "subaccount":
        raise Refusal(400, message="Type must be 'subaccount' only.")
    year, month = number(call.path, "year") or 0, number(call.path, "month") or 0
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= _LAST_MONTH):
        raise Refusal(400)
    usage = reports.usage(sim.store, year, month)
    return Answer(sim.account_shapes.account_usage(usage), "Here is your usage for this month.")


def statistics_sms(sim: Simulation, _: Call) -> Answer:
    """GET /statistics/sms."""
    days, total = reports.statistics(sim.store.sms, sim.now)
    return Answer(sim.account_shapes.statistics(days, total, inbound=True), "Here are your data.")


def statistics_voice(sim: Simulation, _: Call) -> Answer:
    """GET /statistics/voice."""
    days, total = reports.statistics(sim.store.voice, sim.now)
    return Answer(sim.account_shapes.statistics(days, total, inbound=False), "Here are your data.")
