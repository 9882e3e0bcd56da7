"""The account itself, and the catalogues of countries and voice languages."""

from clicksend.sandbox import places, texts
from clicksend.sandbox.answers import Answer, Call
from clicksend.sandbox.simulation import Simulation

_TOPPED_UP = 99_999_856_980  # millionths of a dollar
_SPENT_PER_ROW = 79_200


def account(sim: Simulation, _: Call) -> Answer:
    """GET /account: with the secret that the real answer has too; the balance falls row by row."""
    balance = max(0, _TOPPED_UP - _SPENT_PER_ROW * len(sim.store.sms))
    whole, fraction = divmod(balance, 1_000_000)
    return Answer(sim.account_shapes.account(f"{whole}.{fraction:06}"), "Here's your account")


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
