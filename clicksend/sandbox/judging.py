"""Which status a message gets before anybody looks at credit: the first thing that is wrong with it."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from clicksend.sandbox.answers import Refusal
from clicksend.sandbox.rows import SUCCESS
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.texts import VOICE_LANGUAGES
from clicksend.sandbox.wishes import Wish

_LONGEST_NAME = 11  # characters of a sender that is a name
_LONGEST_SCHEDULE = 13  # digits: milliseconds have so many, and are taken for seconds
_NEED_CONVERSION = (".jpeg", ".png", ".bmp")
_VOICES = {code: genders.split() for code, _, genders in VOICE_LANGUAGES}


def verdict(sim: Simulation, channel: str, wish: Wish, country: str | None) -> str:
    """Return the status of a message for somebody in `country`; None for no number at all."""
    enabled = sim.switches.enabled_countries
    if wish.status:
        status = wish.status
    elif not wish.to or (channel == "voice" and not (wish.extras["lang"] and wish.extras["voice"])):
        status = "MISSING_REQUIRED_FIELDS"
    elif not wish.body.strip():
        status = "EMPTY_MESSAGE"
    elif country is None:
        status = "INVALID_RECIPIENT"
    elif enabled is not None and country not in enabled:
        status = "COUNTRY_NOT_ENABLED"
    elif not _is_sender(wish.sender):
        status = "INVALID_SENDER_ID"
    elif not is_time(wish.schedule):
        status = "INVALID_SCHEDULE"
    else:
        status = _JUDGES[channel](wish.extras)
    return status


def forced(sim: Simulation, channel: str, to: str) -> str:
    """Return the status that a test has ordered for a recipient, and count it; "" without one.

    Raises:
        Refusal: 400, when that is what was ordered.
    """
    for order in sim.store.forced:
        if order.times and order.channel in {"*", channel} and fnmatchcase(to, order.to):
            order.times -= order.times > 0
            if order.status == "BAD_REQUEST":
                raise Refusal(400)
            return order.status
    return ""


def send_time(schedule: str, now: int) -> int:
    """Read a schedule that is one: blank and past are now; milliseconds are a time in a far future."""
    return max(now, int(schedule)) if schedule else now


def _is_sender(name: str) -> bool:
    """Judge the sender: numbers are taken as they are, names have no spaces and are short."""
    is_name = any(map(str.isalpha, name))
    return not is_name or (len(name) <= _LONGEST_NAME and " " not in name)


def is_time(text: str) -> bool:
    """Tell whether a schedule is one; blank is none, and all right."""
    digits = text.removeprefix("-")
    return not text or (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_SCHEDULE)


def _picture(extras: dict[str, str]) -> str:
    """Judge a picture message: some kinds of files have to be converted by an upload before."""
    if not extras["subject"].strip():
        return "SUBJECT_REQUIRED"
    try:
        url = urlsplit(extras["media_file"])
    except ValueError:
        return "INVALID_MEDIA_FILE"
    served = url.scheme in {"http", "https"} and url.netloc
    return SUCCESS if served and not url.path.lower().endswith(_NEED_CONVERSION) else "INVALID_MEDIA_FILE"


def _spoken(extras: dict[str, str]) -> str:
    if extras["lang"] not in _VOICES:
        return "INVALID_LANG"
    return SUCCESS if extras["voice"] in _VOICES[extras["lang"]] else "INVALID_VOICE"


_JUDGES: dict[str, Callable[[dict[str, str]], str]] = {
    "sms": lambda _: SUCCESS,
    "mms": _picture,
    "voice": _spoken,
}
