"""The demo's messages: a table of texts to send, and what the warehouse says of each of them afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

STREAM = "public-messages"  # as meltano.yml names it
SIZE = 300
DAILY = 25
"""Rows that every later run finds beside the old ones."""
NUMBERS = (
    *("+1312555{:04}", "+6141200{:04}", "+447712{:06}"),
    *("+6421555{:04}", "+1416555{:04}", "+4915125{:06}"),
)
"""Of six countries, each with a price of its own."""
OPTED_OUT = 7
NOBODYS_NUMBERS, AGAIN, LATER = 13, 41, 20
"""Of a hundred rows: the one without a valid number, that repeats the one before, that has a schedule."""
QUIET_HOURS = {"start": "21:00", "end": "08:00", "policy": "schedule"}
DEDUPE_WINDOW_HOURS = 24
SALE = (
    "Spring sale, {name}! 20 % off all shoes, in our shops and online, until Sunday. Reply STOP to opt out. ☀️"
)
ORDER = "Your order no. {message} is on its way."
TEMPLATE = "Test Template"
"""One of ClickSend's templates in a new sandbox; its text has a place for the column name."""
CAMPAIGNS = (("welcome", "marketing"), ("spring-sale", "marketing"), ("order-updates", "transactional"))
"""With their purpose: who waits for an order hears of it at night, too."""
NAMES = ("Zoë", "D'Arcy", "Siân", "Łukasz", "Ava")
DELAY = timedelta(hours=2)
TABLE = """
    create table if not exists messages (
        id integer primary key,
        "to" text,
        body text,
        template_name text,
        name text,
        campaign text,
        purpose text,
        schedule timestamptz
    )
"""
INSERT = "insert into messages values (%s, %s, %s, %s, %s, %s, %s, %s)"
Row = tuple[int, str, str | None, str | None, str, str, str, datetime | None]
OUTCOMES = """
    select outcome, reason, count(*)
    from messages join clicksend.outcomes
         on stream = %s and sink = 'sms_messages' and (source_key ->> 'id')::integer = messages.id
    group by 1, 2 order by 3 desc
"""
SENT = """
    select message_id, history.message_id is not null
    from clicksend.outcomes left join clicksend.sms_history as history using (message_id)
    where stream = %s and sink = 'sms_messages' and outcome = 'sent'
"""


class Account(NamedTuple):
    """What became of the messages, by table, ledger, history and ClickSend.

    Attributes:
        rows: Rows of the table.
        outcomes: How many of them have which outcome and reason.
        arrived: Messages that ClickSend ever took.
        again: How many of those were no first one.
        strange: Messages that arrived and no outcome tells of, or the reverse, or that no history shows.
    """

    rows: int
    outcomes: dict[tuple[str, str], int]
    arrived: int
    again: int
    strange: int

    @property
    def is_whole(self) -> bool:
        """Whether each row has one outcome, and each sent one its one message."""
        return self.rows == sum(self.outcomes.values()) and not self.again and not self.strange


def add(url: str) -> int:
    """Make the table, or add the rows of another day; return how many rows came."""
    with psycopg.connect(url) as database:
        database.execute(TABLE)
        last = database.execute("select coalesce(max(id), 0) from messages").fetchall()[0][0]
        rows = list(_rows(last + 1, DAILY if last else SIZE))
        database.cursor().executemany(INSERT, rows)
    return len(rows)


def number(message: int) -> str:
    """Return the telephone number that a message is for."""
    return (
        "12"
        if message % 100 == NOBODYS_NUMBERS
        else NUMBERS[message // len(CAMPAIGNS) % len(NUMBERS)].format(message)
    )


def account_for(url: str, arrivals: Iterable[dict[str, Any]]) -> Account:
    """Compare the table, what the ledger and the history brought into the warehouse, and what arrived.

    Args:
        url: The database.
        arrivals: What the sandbox took, ever.
    """
    with psycopg.connect(url) as database:
        rows = database.execute("select count(*) from messages").fetchall()[0][0]
        outcomes = database.execute(OUTCOMES, [STREAM]).fetchall()
        sent: dict[str, bool] = dict(database.execute(SENT, [STREAM]).fetchall())
    arrived = list(arrivals)
    texts = Counter((one["to"], one["body"]) for one in arrived)
    strange = {one["message_id"] for one in arrived} ^ {one for one, is_known in sent.items() if is_known}
    return Account(
        rows=rows,
        outcomes={(outcome, reason): count for outcome, reason, count in outcomes},
        arrived=len(arrived),
        again=len(arrived) - len(texts),
        strange=len(strange),
    )


def _rows(first: int, count: int) -> Iterator[Row]:
    now = datetime.now(UTC)
    for message in range(first, first + count):
        place = message % 100
        meant = message - 1 if place == AGAIN else message
        name = NAMES[meant % len(NAMES)]
        schedule = now + DELAY if place == LATER else None
        to, shared = number(meant), (name, *CAMPAIGNS[meant % len(CAMPAIGNS)], schedule)
        match meant % len(CAMPAIGNS):
            case 0:
                yield message, to, None, TEMPLATE, *shared
            case 1:
                yield message, to, SALE.format(name=name), None, *shared
            case _:
                yield message, to, ORDER.format(message=meant), None, *shared
