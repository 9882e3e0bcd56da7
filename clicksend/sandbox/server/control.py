"""The control endpoints under ``/_sandbox``: read what is and what arrived, turn the clock, order."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, field

from clicksend.sandbox.api import bodies, orders
from clicksend.sandbox.api.answers import Call
from clicksend.sandbox.server import guard
from clicksend.sandbox.server.faults import Fault
from clicksend.sandbox.server.service import Service
from clicksend.sandbox.server.state import ORDERS
from clicksend.sandbox.switches import Switches
from clicksend.sandbox.world.phones import e164
from clicksend.sandbox.world.rows import Forced
from clicksend.sandbox.world.usage import CHANNELS

T = TypeVar("T")
PREFIX = "/_sandbox"
MOST_FAULTS = 1000
_FURTHEST_TURN = 20 * 365 * 86_400
_ALLOWANCES = dict[str, tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=1)]]]
Query = Mapping[str, str]
View = Callable[[Service, Query], Any]
"""Answers a GET, from the query string; may have to be awaited."""
Action = Callable[[Service, bytes], Any]
"""Does something else, which the body says."""
MOST_FAULTS_SHOWN = 20


class NoSuchControlError(ValueError):
    """No control has that name."""


class Reply(Struct, forbid_unknown_fields=True):
    """A text message to come in; ``list_id`` is the list that was messaged, for one that says STOP."""

    sender: str = field(name="from")
    body: str
    list_id: int | None = None


Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]


class Balance(Struct, forbid_unknown_fields=True):
    """What the account has left, such as "0.50", or what is added to that."""

    balance: Amount | None = None
    add: Amount | None = None


class Awaited(Struct, forbid_unknown_fields=True):
    """Which messages are asked for: those ``to`` a number, once there are ``at_least`` so many.

    ``wait`` is for how many seconds at most.
    """

    to: str = ""
    wait: Annotated[float, Meta(ge=0, le=300)] = 0.0
    at_least: Annotated[int, Meta(ge=1)] = 1


class Shown(Struct, forbid_unknown_fields=True):
    """Which conversations are asked for: those that hold ``q``, the made-up ones too.

    None come if nothing has changed since ``revision``.
    """

    q: str = ""
    made_up: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    revision: str = ""


class Turn(Struct, forbid_unknown_fields=True):
    """How to turn the clock: by seconds, or to a Unix time."""

    advance: Annotated[int, Meta(ge=0)] | None = None
    now: int | None = None


def health(service: Service, _: Query) -> dict[str, Any]:
    """Say that it answers, and what time it is there."""
    return {"status": "ok", "now": service.sim.now}


def state(service: Service, _: Query) -> dict[str, Any]:
    """Describe the world, and what a complete extraction of it holds."""
    sim = service.sim
    return {
        **msgspec.structs.asdict(sim.plan),
        "now": sim.now,
        "clock": _clock(service),
        "types": sim.types,
        "switches": msgspec.structs.asdict(sim.switches),
        "rows": sim.rows(),
    }


def requests(service: Service, _: Query) -> Any:
    """List the requests since the start or the last reset, oldest first."""
    return [seen.shown() for seen in service.seen]


def notifications(service: Service, _: Query) -> Any:
    """List what ``prelude/notify-send`` has sent."""
    return service.prelude.notifications


def reset(service: Service, _: bytes) -> dict[str, Any]:
    """Go back to the epoch with everything as it was then."""
    service.reset()
    return state(service, {})


def clock(service: Service, body: bytes) -> dict[str, int]:
    """Turn the clock forward."""
    turn = _read(body, Turn)
    if (turn.advance is None) == (turn.now is None):
        raise ValueError('give either "advance" (seconds) or "now" (Unix seconds)')
    target = service.sim.now + turn.advance if turn.advance is not None else turn.now or 0
    if target > service.sim.plan.epoch + _FURTHEST_TURN:
        raise ValueError("the clock goes at most 20 years past the epoch")
    service.turn(target)
    return {"now": service.sim.now}


def reply(service: Service, body: bytes) -> Any:
    """Let somebody reply; STOP moves the contact to the Opt-Out List."""
    wanted = _read(body, Reply)
    sender = e164(wanted.sender)
    if sender is None:
        raise ValueError('"from" is not a telephone number')
    return _ordered(service, "reply", {"from": sender, "body": wanted.body, "list_id": wanted.list_id})


def statuses(service: Service, body: bytes) -> Any:
    """Order a status for messages to come."""
    return _ordered(service, "statuses", msgspec.structs.asdict(_read(body, Forced)))


def list_statuses(service: Service, _: Query) -> list[Forced]:
    """List the ordered statuses as they stand; ``times`` 0 is used up."""
    return service.sim.store.forced


def clear_statuses(service: Service, _: bytes) -> Any:
    """Take the ordered statuses back."""
    return _ordered(service, "clear_statuses", None)


def balance(service: Service, body: bytes) -> Any:
    """Set what the account has left, or add to it."""
    wanted = _read(body, Balance)
    if (wanted.balance is None) == (wanted.add is None):
        raise ValueError('give either "balance" or "add", as text: "0.50"')
    return _ordered(service, "balance", msgspec.structs.asdict(wanted))


async def arrivals(service: Service, query: Query) -> list[dict[str, Any]]:
    """List the messages that were accepted from calls, answered or not, in the order of arrival.

    All, or those to one number; may wait until there are some.
    """
    wanted = msgspec.convert(query, Awaited, strict=False)
    to = _number(wanted.to) if wanted.to else ""
    clock = asyncio.get_running_loop().time
    until = clock() + wanted.wait
    while len(found := _arrived(service, to)) < wanted.at_least and (left := until - clock()) > 0:
        await service.changed(left)
    return found


def _number(text: str) -> str:
    """Spell a number as messages have it; a plus sign is a blank in a query string, unless it is escaped."""
    text = f"+{text[1:]}" if text.startswith(" ") else text
    return e164(text) or text


def _arrived(service: Service, to: str) -> list[dict[str, Any]]:
    return [
        {
            "channel": type(row).__name__.lower(),
            "to": row.to,
            "body": row.body,
            "custom_string": row.custom_string,
            "message_id": row.message_id,
            "from": row.sender,
            "schedule": row.schedule,
            "status": row.delivery.status,
            "at": row.date,
        }
        for row in service.sim.store.arrived
        if not to or row.to == to
    ]


def threads(service: Service, query: Query) -> dict[str, Any]:
    """List conversations for the page at the root, the newest first, and what else it shows."""
    wanted = msgspec.convert(query, Shown, strict=False)
    ordered = service.faults.ordered
    shown: dict[str, Any] = {
        "revision": service.revision,
        "now": service.sim.now,
        "clock": _clock(service),
        "balance": orders.left(service.sim),
        "faults": ordered[-MOST_FAULTS_SHOWN:],
        "faults_total": len(ordered),
    }
    if wanted.revision == service.revision:
        return shown
    return shown | service.threads.page(wanted.q.strip(), wanted.limit, made_up=wanted.made_up)


def thread(service: Service, query: Query) -> dict[str, Any]:
    """Return one conversation, for the page at the root."""
    number = query.get("number", "")
    if not number:
        raise ValueError('give a "number"')
    return service.threads.thread(number)


def _clock(service: Service) -> str:
    return "live" if service.is_live else "still"


def count_arrivals(service: Service, _: Query) -> dict[str, int]:
    """Count them by channel."""
    kinds = [type(row).__name__.lower() for row in service.sim.store.arrived]
    return {channel: kinds.count(channel) for channel in CHANNELS}


def switches(service: Service, body: bytes) -> Switches:
    """Set some switches."""
    wanted = _read(body, dict[str, Any])
    current = msgspec.structs.asdict(service.sim.switches)
    unknown = sorted(wanted.keys() - current.keys())
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}; there are {', '.join(current)}")
    service.sim.switches = msgspec.convert(current | wanted, Switches)
    return service.sim.switches


def order_fault(service: Service, body: bytes) -> Fault:
    """Order a fault."""
    fault = _read(body, Fault)
    if len(service.faults.ordered) >= MOST_FAULTS:
        raise ValueError(f"there are {MOST_FAULTS:,} faults already: DELETE {PREFIX}/faults takes them back")
    service.faults.ordered.append(fault)
    return fault


def list_faults(service: Service, _: Query) -> list[Fault]:
    """List the faults as they stand; ``times`` 0 is used up."""
    return service.faults.ordered


def clear_faults(service: Service, _: bytes) -> dict[str, int]:
    """Take all orders back."""
    cleared = len(service.faults.ordered)
    service.faults.ordered.clear()
    return {"cleared": cleared}


def limits(service: Service, body: bytes) -> dict[str, tuple[int, int]]:
    """Set rate limits: {"GET /account": [calls, seconds]}, "*" for every other endpoint."""
    wanted = _read(body, _ALLOWANCES)
    for endpoint, (calls, seconds) in wanted.items():
        service.limiter.allow(endpoint, calls, seconds)
    return wanted


VIEWS: dict[str, View] = {
    "": state,
    "state": state,
    "health": health,
    "requests": requests,
    "notifications": notifications,
    "arrivals": arrivals,
    "arrivals/count": count_arrivals,
    "threads": threads,
    "thread": thread,
    "statuses": list_statuses,
    "faults": list_faults,
}
ACTIONS: dict[tuple[str, str], Action] = {
    ("POST", "reset"): reset,
    ("POST", "clock"): clock,
    ("POST", "reply"): reply,
    ("POST", "statuses"): statuses,
    ("DELETE", "statuses"): clear_statuses,
    ("POST", "balance"): balance,
    ("POST", "switches"): switches,
    ("POST", "faults"): order_fault,
    ("DELETE", "faults"): clear_faults,
    ("POST", "limits"): limits,
}


CONTROLS = [*(("GET", name) for name in VIEWS), *ACTIONS]
"""Method and name of every control."""


async def control(service: Service, request: web.Request) -> web.Response:
    """Run the control that the request names; wrong input is a 400 with a sentence under ``error``."""
    name = f"{request.path}/".removeprefix(f"{PREFIX}/").removesuffix("/")
    body = await request.read()
    if (request.method, name) in ACTIONS and body and not guard.is_json(request):
        return _json({"error": "a body must come with Content-Type: application/json"}, 415)
    try:
        return _json(await run(service, request.method, name, request.query, body))
    except NoSuchControlError as unknown:
        return _json({"error": str(unknown)}, 404)
    except (ValueError, msgspec.MsgspecError) as wrong:
        return _json({"error": str(wrong)}, 400)


async def run(service: Service, method: str, name: str, query: Query, body: bytes) -> Any:
    """Run a control, and return what it answers.

    Raises:
        NoSuchControlError: There is none of that name for the method.
        ValueError, msgspec.MsgspecError: The query or the body is wrong; the text says how.
    """
    if method == "GET" and name in VIEWS:
        shown = VIEWS[name](service, dict(query))
        return await shown if inspect.isawaitable(shown) else shown
    if action := ACTIONS.get((method, name)):
        return action(service, body)
    known = ", ".join(f"{method} {PREFIX}/{name}".rstrip("/") for method, name in CONTROLS)
    raise NoSuchControlError(f"no such control; there are {known}")


def _ordered(service: Service, name: str, body: Any) -> Any:
    """Change the world as a write does."""
    route, endpoint = ORDERS[name]
    return service.call(*route, endpoint, Call({}, {}, body)).data


def _read(body: bytes, kind: type[T]) -> T:
    return msgspec.convert(bodies.decoded(body), kind)


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")
