"""An SMS history of any length: every row follows from its index, so a range of dates is one of indexes."""

from __future__ import annotations

import json
from random import Random

SPAN = 120 * 24 * 3600
"""Seconds that the history goes back, about as far as ClickSend keeps messages."""

TEMPLATES = 1000
"""Rows that differ in more than index and date; far more than a compressor's window holds."""

DATE, INDEX = "<date>", "<index>"

BODIES = (
    "Hi {name}, your order {number} has been dispatched and will be with you on Thursday.",
    "Your code is {number}. Do not share it with anyone, 100% of us will never ask for it.",
    "Reminder: your appointment {number} is tomorrow at 09:30.\nReply YES to confirm, NO to cancel.",
    "{name}, your table is booked 🎉 See you soon! Ref {number}",
    'The courier wrote: "left at the front door" (parcel {number}), signed for by {name}',
    "Invoice {number} over 1.250,00 € is due: https://example.com/i/{number}?a=1&b=2 Thank you, {name}!",
    "Summer sale: 20% off everything until Sunday ☀️ Just show {number}, {name}. Reply STOP to opt out",
)
NAMES = ("John", "Zoë", "José", "Anna", "Łukasz", "Priya", "Mei-Ling", "Ngaire", "Noah", "D'Arcy")
COUNTRIES = (("AU", "+614", "Telstra"), ("GB", "+447", "EE"), ("US", "+1201", ""), ("FR", "+336", "Orange"))
DELIVERIES = (
    *[("Sent", "201", "Message delivered to the handset", "4", "Message delivered to the handset")] * 8,
    ("Sent", "200", "Success: Message sent to carrier.", None, None),
    ("Failed", "301", "Absent Subscriber.", "12", "Unknown error"),
)


class History:
    """Rows at even distances, the last one just before ``until`` (Unix seconds)."""

    def __init__(self, count: int, until: int) -> None:
        self.count = count
        self._start = until - SPAN
        templates = [_template(Random(seed)) for seed in range(TEMPLATES)]
        # Twice, so that a page is one slice wherever it begins.
        self._templates = templates * 2

    def date(self, index: int) -> int:
        """Return a row's date."""
        return self._start + index * SPAN // self.count

    def first_from(self, moment: int) -> int:
        """Return the index of the first row at this moment or later."""
        index = -((self._start - moment) * self.count // SPAN)
        return min(max(index, 0), self.count)

    def json(self, first: int, last: int) -> bytes:
        """Return the rows from ``first`` to before ``last``, at most ``TEMPLATES``, as items of an array."""
        start = first % TEMPLATES
        values: list[int] = []
        for index in range(first, last):
            date = self._start + index * SPAN // self.count
            values += (date, date, index)
        return b",".join(self._templates[start : start + last - first]) % tuple(values)


def _template(random: Random) -> bytes:
    """Return a row as ClickSend (PHP) spells it, for ``%`` with date, schedule and index."""
    text = json.dumps(_row(random), separators=(",", ":")).replace("/", "\\/").replace("%", "%%")
    return text.replace(f'"{DATE}"', "%d", 1).replace(DATE, "%d").replace(INDEX, "%012X").encode()


def _row(random: Random) -> dict[str, object]:
    name, number = random.choice(NAMES), random.randrange(10**5, 10**6)
    country, prefix, carrier = random.choice(COUNTRIES)
    status, status_code, status_text, error_code, error_text = random.choice(DELIVERIES)
    parts, listed = random.choice((1, 1, 1, 2)), random.random() < 0.5
    return {
        "direction": "out" if random.random() < 0.95 else "in",
        "date": DATE,
        "to": f"{prefix}{random.randrange(10**7, 10**8)}",
        "body": random.choice(BODIES).format(name=name, number=number),
        "status": status,
        "from": "+61491570110",
        "schedule": DATE,
        "status_code": status_code,
        "status_text": status_text,
        "error_code": error_code,
        "error_text": error_text,
        "message_id": f"1F{random.randrange(16**6):06X}-{random.randrange(16**4):04X}-6F63-A142-{INDEX}",
        "message_parts": parts,
        "message_price": f"{random.choice((770, 792, 440)) * parts / 10**4:.6f}",
        "from_email": None,
        "list_id": 4400123 if listed else None,
        "custom_string": f"order-{number}",
        "contact_id": str(1411000000 + number) if listed else "0",
        "user_id": 770011,
        "subaccount_id": 880011,
        "country": country,
        "carrier": carrier,
        "first_name": name,
        "last_name": "van der Berg",
        "_api_username": "harbour-books",
    }
