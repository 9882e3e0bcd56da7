"""The account itself, and the catalogues of countries and voice languages."""

from clicksend.sandbox import places, texts
from clicksend.sandbox.access import NO_CREDIT
from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.simulation import Simulation


def account(sim: Simulation, call: Call) -> Answer:
    """GET /account: with the secret that the real answer has too; each message costs its price."""
    balance = 0 if call.user == NO_CREDIT else max(0, sim.store.credit)
    whole, fraction = divmod(balance, 1_000_000)
    shape = sim.account_shapes.account(f"{whole}.{fraction:06}", sim.switches.part_limit)
    return Answer(shape, "Here's your account")


def countries(_: Simulation, __: Call) -> Answer:
    """GET /countries: a bare array, for everybody."""
    shapes = [{"code": code, "value": name} for code, name in places.countries()]
    return Answer(shapes, "Here are all the countries.")


def voice_languages(_: Simulation, __: Call) -> Answer:
    """GET /voice/lang: a bare array; `gender` is a string or an array."""
    shapes = [
        {"code": code, "country": name, "gender": texts.gender(genders)}
        for code, name, genders in texts.VOICE_LANGUAGES
    ]
    return Answer(shapes, "Here are the voice languages.")
