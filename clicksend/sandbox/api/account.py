"""The account: itself, its usage and statistics, campaigns, subaccounts, numbers and purchases."""

from __future__ import annotations

from operator import attrgetter

from clicksend.sandbox.api import paging
from clicksend.sandbox.api.access import NO_CREDIT
from clicksend.sandbox.api.answers import Answer, Call, Refusal, forbidden, number
from clicksend.sandbox.api.orders import left
from clicksend.sandbox.api.search import Fields, dated, matching, ordered
from clicksend.sandbox.formats.live_account import CURRENCY
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world import texts
from clicksend.sandbox.world.countries import countries as all_countries
from clicksend.sandbox.world.usage import statistics, usage


def account(sim: Simulation, call: Call) -> Answer:
    """GET /account: with the secret that the real answer has too; each message costs its price."""
    balance = "0.000000" if call.user == NO_CREDIT else left(sim)
    shape = sim.account_shapes.account(balance, sim.switches.part_limit)
    return Answer(shape, "Here's your account")


def countries(_: Simulation, __: Call) -> Answer:
    """GET /countries: a bare array, for everybody."""
    shapes = [{"code": code, "value": name} for code, name in all_countries()]
    return Answer(shapes, "Here are all the countries.")


def voice_languages(_: Simulation, __: Call) -> Answer:
    """GET /voice/lang: a bare array; ``gender`` is a string or an array."""
    shapes = [
        {"code": code, "country": name, "gender": texts.gender(genders)}
        for code, name, genders in texts.VOICE_LANGUAGES
    ]
    return Answer(shapes, "Here are the voice languages.")


_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_LAST_MONTH = 12


def account_usage(sim: Simulation, call: Call) -> Answer:
    """GET /account/usage/{year}/{month}/{type}: there is but one type, whatever the documentation says."""
    if call.path["type"] != "subaccount":
        raise Refusal(400, message="Type must be 'subaccount' only.")
    year, month = number(call.path, "year") or 0, number(call.path, "month") or 0
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= _LAST_MONTH):
        raise Refusal(400)
    counted = usage(sim.store, year, month)
    return Answer(sim.account_shapes.account_usage(counted), "Here is your usage for this month.")


def statistics_sms(sim: Simulation, _: Call) -> Answer:
    """GET /statistics/sms."""
    days, total = statistics(sim.store.sms, sim.now)
    return Answer(sim.account_shapes.statistics(days, total, inbound=True), "Here are your data.")


def statistics_voice(sim: Simulation, _: Call) -> Answer:
    """GET /statistics/voice."""
    days, total = statistics(sim.store.voice, sim.now)
    return Answer(sim.account_shapes.statistics(days, total, inbound=False), "Here are your data.")


_ADDED = attrgetter("date_added")
_CAMPAIGN_FIELDS: Fields = {
    **{name: attrgetter(name) for name in ("sms_campaign_id", "name", "status", "schedule", "date_added")},
    **{name: attrgetter(name) for name in ("list_id", "body", "custom_string")},
    "from": attrgetter("sender"),
}
_SUBACCOUNT_FIELDS: Fields = {
    name: attrgetter(name) for name in ("subaccount_id", "api_username", "first_name", "last_name", "email")
}
_NUMBER_FIELDS: Fields = {
    "country": attrgetter("country"),
    "type": lambda _: "sms",
    "number_type": lambda _: "longcode",
}
_LISTED_TWICE = 2


def sms_campaigns(sim: Simulation, call: Call) -> Answer:
    """GET /sms-campaigns: by ``date_added``, unless asked otherwise."""
    rows = sorted(sim.store.campaigns.values(), key=lambda row: (row.date_added, row.sms_campaign_id))
    first, end = dated(rows, call.query, _ADDED, sim.switches)
    found = matching(rows[first:end], call.query, _CAMPAIGN_FIELDS, sim.switches)
    found = ordered(found, call.query, _CAMPAIGN_FIELDS, sim.switches, by="date_added")
    served = paging.Collection(
        "/sms-campaigns",
        "Here are your SMS campaigns.",
        lambda row: sim.account_shapes.sms_campaigns(row, _list_name(sim, row.list_id)),
    )
    return paging.answer(found, call.query, sim.switches, served)


def mms_campaigns(sim: Simulation, call: Call) -> Answer:
    """GET /mms-campaigns: by ``date_added``; the newest documentation shows it without the envelope."""
    rows = sorted(sim.store.mms_campaigns.values(), key=lambda row: (row.date_added, row.mms_campaign_id))
    served = paging.Collection(
        "/mms-campaigns",
        "Here are your MMS campaigns.",
        lambda row: sim.account_shapes.mms_campaigns(row, _list_name(sim, row.list_id)),
    )
    return paging.answer(rows, call.query, sim.switches, served)


def subaccounts(sim: Simulation, call: Call) -> Answer:
    """GET /subaccounts: with their keys; 403 for who may not see them."""
    if not sim.switches.subaccount_access:
        raise forbidden()
    found = matching(list(sim.store.subaccounts.values()), call.query, _SUBACCOUNT_FIELDS, sim.switches)
    found = ordered(found, call.query, _SUBACCOUNT_FIELDS, sim.switches)
    served = paging.Collection("/subaccounts", "Here are your data.", sim.account_shapes.subaccounts)
    return paging.answer(found, call.query, sim.switches, served)


def numbers(sim: Simulation, call: Call) -> Answer:
    """GET /numbers: the oldest come twice, as in the documented example; without any there is no ``data``."""
    rows = list(sim.store.numbers.values()) if sim.switches.dedicated_numbers else []
    found = matching([*rows, *rows[:_LISTED_TWICE]], call.query, _NUMBER_FIELDS, sim.switches)
    served = paging.Collection("/numbers", "Here are you dedicated numbers.", sim.account_shapes.numbers)
    answer = paging.answer(found, call.query, sim.switches, served)
    if found:
        answer.data["_currency"] = CURRENCY
    else:
        answer.data.pop("data", None)
    return answer


def transactions(sim: Simulation, call: Call) -> Answer:
    """GET /recharge/transactions: newest first."""
    served = paging.Collection(
        "/recharge/transactions", "Here are your transactions.", sim.account_shapes.transactions
    )
    return paging.answer(sim.store.transactions[::-1], call.query, sim.switches, served)


def delivery_issues(sim: Simulation, call: Call) -> Answer:
    """GET /delivery-issues."""
    served = paging.Collection("/delivery-issues", "Here is your result.", sim.account_shapes.delivery_issues)
    return paging.answer(list(sim.store.issues.values()), call.query, sim.switches, served)


def _list_name(sim: Simulation, list_id: int) -> str | None:
    owner = sim.store.lists.get(list_id)
    return owner.list_name if owner else None
