"""A PostgreSQL warehouse: its connection for tap, target and dbt, and whether it has what ClickSend has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from clicksend.client import Client
from clicksend.errors import ForbiddenError, NotFoundError, UnexpectedAnswerError
from clicksend.paging import LARGEST_PAGE, read_page
from clicksend.times import unix_seconds

HISTORIES = {
    "sms_history": ("/sms/history", "date"),
    "mms_history": ("/mms/history", "date_added"),
    "voice_history": ("/voice/history", "date_added"),
}
"""Path of each, and its time."""
PORT = 5432


class Place(Protocol):
    """A connection of type postgres, as Airflow has it."""

    host: str | None
    port: int | None
    login: str | None
    password: str | None
    schema: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """What its field extra holds."""


@dataclass(frozen=True)
class Count:
    """Messages of a span of time, on both sides."""

    stream: str
    since: datetime
    until: datetime
    api: int
    warehouse: int

    def __str__(self) -> str:
        return (
            f"{self.stream}, {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}:"
            f" {self.api:,} in ClickSend, {self.warehouse:,} in the warehouse"
        )


def variables(place: Place) -> dict[str, str]:
    """Return a connection as settings of tap-postgres, target-postgres and dbt; they hold the password.

    A host that is a folder is that of the server's socket. Of what is extra only ``sslmode`` counts.
    """
    host, port = place.host or "localhost", place.port or PORT
    user, password, database = place.login or "", place.password or "", place.schema or ""
    query = {"host": host, "port": str(port)}
    if mode := place.extra_dejson.get("sslmode"):
        query["sslmode"] = str(mode)
    # tap-postgres asks for a password and a host, though nobody looks at these two
    login = f"{quote(user, safe='')}:{quote(password or 'none', safe='')}"
    url = f"{login}@localhost/{quote(database, safe='')}?{urlencode(query, quote_via=quote)}"
    return {
        "TAP_POSTGRES_SQLALCHEMY_URL": f"postgresql://{url}",
        "TARGET_POSTGRES_SQLALCHEMY_URL": f"postgresql+psycopg://{url}",
        "DBT_POSTGRES_HOST": host,
        "DBT_POSTGRES_PORT": str(port),
        "DBT_POSTGRES_USER": user,
        "DBT_POSTGRES_PASSWORD": password,
        "DBT_POSTGRES_DBNAME": database,
    }


def compare(
    client: Client, database: Any, schema: str, spans: Sequence[tuple[datetime, datetime]]
) -> Iterator[Count]:
    """Count the messages of each history in each span, in ClickSend and in the warehouse.

    A channel that the account may not use, or that ClickSend has no more, is left out.

    Args:
        client: The account.
        database: A connection to the warehouse, by Python's DB-API.
        schema: Where the tap's tables are.
        spans: Each from a time on up to, not including, another.

    Raises:
        ClickSendError: ClickSend cannot be asked, or does not count.
    """
    for stream, (path, column) in HISTORIES.items():
        for since, until in spans:
            try:
                api = _in_api(client, path, column, int(since.timestamp()), int(until.timestamp()))
            except (ForbiddenError, NotFoundError):
                break
            yield Count(stream, since, until, api, _in_warehouse(database, schema, stream, since, until))


def _in_api(client: Client, path: str, column: str, since: int, until: int) -> int:
    """Return how many messages a history has in [since, until), Unix seconds.

    It is asked a second wider on both sides, since nobody knows whether a range has its ends; what lies
    outside is on its first and last pages, and is not counted.
    """
    params = {
        "limit": LARGEST_PAGE,
        "date_from": since - 1,
        "date_to": until + 1,
        "order_by": f"{column}:asc",
    }
    first = read_page(client, path, params)
    if first.total is None:
        raise UnexpectedAnswerError(f"GET {path} does not say how many messages there are.")
    pages = range(1, (first.last_page or 1) + 1)

    def outside(numbers: Iterable[int], is_outside: Callable[[int], bool]) -> int:
        """Return how many messages lie outside on pages that begin with such."""
        found = 0
        for number in numbers:
            rows = read_page(client, path, params, number).rows
            moments = [unix_seconds(int(row[column])) for row in rows if row.get(column)]
            if any(not since - 1 <= moment <= until + 1 for moment in moments):
                raise UnexpectedAnswerError(
                    f"GET {path} gives messages of other times than it was asked for."
                )
            found += (count := sum(map(is_outside, moments)))
            if count < len(rows):
                break
        return found

    before = outside(pages, lambda moment: moment < since)
    return first.total - before - outside(reversed(pages), lambda moment: moment >= until)


def _in_warehouse(database: Any, schema: str, stream: str, since: datetime, until: datetime) -> int:
    cursor = database.cursor()
    cursor.execute("select to_regclass(format('%%I.%%I', %s::text, %s::text))", (schema, stream))
    if cursor.fetchone()[0] is None:
        return 0
    column = HISTORIES[stream][1]
    table = ".".join('"{}"'.format(part.replace('"', '""')) for part in (schema, stream))
    # The loader stores times without a zone, in UTC
    moments = [moment.astimezone(UTC).replace(tzinfo=None) for moment in (since, until)]
    query = f'select count(*) from {table} where "{column}" >= %s and "{column}" < %s'  # noqa: S608
    cursor.execute(query, moments)
    return int(cursor.fetchone()[0])
