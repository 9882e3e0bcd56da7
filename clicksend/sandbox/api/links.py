"""Clicks on shortened links: counts of a message's links, and the recipients of one link."""

from __future__ import annotations

from typing import Any

from clicksend.sandbox.api.answers import Answer, Call, Refusal, not_found
from clicksend.sandbox.simulation import Simulation
from clicksend.sandbox.world import links
from clicksend.sandbox.world.rows import Sms

_PER_PAGE = 20
_UUID = 36  # characters


def statistics(sim: Simulation, call: Call) -> Answer:
    """GET /short-url/statistics/{source}/{source_id}: of a message by its id in lower case, as documented."""
    if call.path["source"] != links.SOURCE:
        raise Refusal(400)
    row, key = _find(sim, call.path["source_id"])
    return Answer({"data": [_counts(sim, row, key)]}, "", bare=True)


def tracking(sim: Simulation, call: Call) -> Answer:
    """GET /short-url/tracking/{long_url_id}: a message has one recipient, so there is but one page."""
    wanted = call.path["long_url_id"]
    row, key = _find(sim, wanted.removeprefix(f"{links.SOURCE}-")[:_UUID])
    if key != wanted:
        raise not_found("Not found.")
    page = {"total": 1, "per_page": _PER_PAGE, "current_page_size": 1}
    return Answer({**page, "data": [_recipient(sim, row)]}, "", bare=True)


def _find(sim: Simulation, message_id: str) -> tuple[Sms, str]:
    """Return a message that has a short link, and the link's id.

    Raises:
        Refusal: 404, no message has this id in lower case.
    """
    for row in sim.store.sms:
        if row.message_id.lower() == message_id and (key := links.link_of(row)):
            return row, key
    raise not_found("Not found.")


def _counts(sim: Simulation, row: Sms, key: str) -> dict[str, Any]:
    found = links.opened(row, sim.now)
    count = len(found.times)
    labels = {
        "device": found.device,
        "os": found.system,
        "browser": found.browser,
        "country": row.country,
        "region": found.region,
    }
    return {
        "long_url_id": key,
        "links": {
            "total": 1,
            "opened_unique": min(count, 1),
            "opened_total": count,
            "unopened": int(count == 0),
        },
        **{name: [{"label": label, "count": count}] * (count > 0) for name, label in labels.items()},
    }


def _recipient(sim: Simulation, row: Sms) -> dict[str, Any]:
    """Spell a recipient; where and with what is null as long as the link was not opened."""
    found = links.opened(row, sim.now)
    facts = {
        "date_opened": found.times[0] if found.times else None,
        "user_geo_country": row.country,
        "user_geo_region": found.region,
        "user_device": found.device,
        "user_browser": found.browser,
        "user_os": found.system,
    }
    return {
        "open_count": len(found.times),
        **(facts if found.times else dict.fromkeys(facts)),
        "contact": {
            "contact_id": row.contact_id and str(row.contact_id),
            "first_name": row.first_name,
            "last_name": row.last_name,
            "phone_number": row.to,
        },
    }
