"""The demo's messages: a table of texts to send, and what the warehouse says of each of them afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import psycopg

STREAM = "public-messages"  # as meltano.yml names it
SIZE = 300
DAILY = 25
"""Rows that every later run finds beside the old ones."""
NOBODYS_NUMBER = 13
OPTED_OUT = 7
Message = tuple[int, str, str]
TABLE = """
    create table if not exists messages (
        id integer primary key,
        "to" text,
        body text
    )
"""
INSERT = "insert into messages values (%s, %s, %s)"
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
    return "12" if message == NOBODYS_NUMBER else f"+1312555{message:04}"


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


def _rows(first: int, count: int) -> Iterator[Message]:
    for message in range(first, first + count):
        yield message, number(message), f"Your order no. {message} is on its way."
