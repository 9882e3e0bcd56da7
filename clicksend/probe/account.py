"""The account as the probe asks it: every answer also shows which endpoints and columns there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from clicksend.client import Answer, Client, Repeat
from clicksend.errors import ApiError, UnexpectedAnswerError
from clicksend.limiter import IDS
from clicksend.paging import LARGEST_PAGE, Row
from clicksend.probe.own import Own
from clicksend.times import unix_seconds

COLUMN = re.compile(r"_?[a-z][a-z0-9_]{0,40}")
"""Names of columns; what is written otherwise may be a value in the place of a name."""


ROWS_IN = ("data", "messages", "stats", "own_numbers", "alpha_tags")
"""What answers call the array of their rows."""


@dataclass(frozen=True)
class Rows:
    """One page as it came: its rows, and the paginator around them."""

    rows: list[Row]
    pager: Row

    def count(self, name: str) -> int | None:
        """Return a number of the paginator, None when it has none."""
        value = str(self.pager.get(name))
        return int(value) if value.isdigit() else None

    @property
    def last_page(self) -> int:
        """The last page, by what the server says and by what its counts imply."""
        total, size = self.count("total") or 0, self.count("per_page") or len(self.rows) or 1
        return max(self.count("last_page") or 0, -(-total // size))


@dataclass
class Account:
    """One account, asked through a client that tries nothing again.

    Attributes:
        client: The connection.
        own: What the probe makes in it; for the points that do.
        to: The user's own number (E.164), where one was given.
        statuses: What each endpoint answered last: a status, with ClickSend's code where it is an error.
        types: Names of columns and the types seen in them, by endpoint.
        contact_puts: For each PUT of a contact, whether its answer had no body.
        notes: What later points need to know of earlier ones.
    """

    client: Client
    own: Own | None = None
    to: str | None = None
    statuses: dict[str, str] = field(default_factory=dict)
    types: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    contact_puts: list[bool] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def made(self) -> Own:
        """What the probe makes in it."""
        if self.own is None:
            raise RuntimeError("only points that may write make something")
        return self.own

    @property
    def name(self) -> str:
        """What all of that is called."""
        return self.made.name

    def get(self, path: str, **params: Any) -> Any:
        """Read the ``data`` of a path."""
        return self._noted("GET", path, lambda: self.client.get(path, params)).data

    def page(self, path: str, **params: Any) -> Rows:
        """Read one page.

        Raises:
            ValueError: The answer is not a collection.
        """
        data = self.get(path, **params)
        if isinstance(data, list):
            return Rows(data, {"total": len(data), "data": data})
        rows = data.get("data") or []
        if not isinstance(rows, list):
            raise ValueError("rows are not an array")
        return Rows(rows, data)

    def post(self, path: str, payload: Mapping[str, Any], *, repeat: Repeat = "unprocessed") -> Any:
        """Make something, or ask for prices."""
        return self._noted("POST", path, lambda: self.client.post(path, payload, repeat=repeat)).data

    def send(self, messages: list[Row]) -> list[Row]:
        """Send text messages and return the rows of the answer."""
        answer = self._noted(
            "POST", "/sms/send", lambda: self.client.send("/sms/send", {"messages": messages})
        )
        rows: list[Row] = answer.data["messages"]
        return rows

    def put(self, path: str, payload: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """Change something that the probe made."""
        return self._noted("PUT", path, lambda: self.client.put(path, payload, params or None)).data

    def delete(self, path: str) -> Any:
        """Delete something that the probe made."""
        return self._noted("DELETE", path, lambda: self.client.delete(path)).data

    def once(self, key: str, find: Callable[[], Any]) -> Any:
        """Return what was found before under a key, else find it."""
        if key not in self.notes:
            self.notes[key] = find()
        return self.notes[key]

    def history(self) -> list[Row]:
        """Return some text messages: the newest, where the order is honoured."""
        rows: list[Row] = self.once(
            "history",
            lambda: self.page("/sms/history", limit=LARGEST_PAGE, order_by="date:desc").rows,
        )
        return rows

    def now(self) -> int:
        """Return the server's clock (Unix seconds)."""
        return int(self.client.get("/countries").date.timestamp())

    def _noted(self, method: str, path: str, call: Callable[[], Answer]) -> Answer:
        endpoint = f"{method} {IDS.sub('/{id}', path)}"
        try:
            answer = call()
        except ApiError as error:
            self.statuses[endpoint] = f"{error.status} {error.code}".strip()
            raise
        except UnexpectedAnswerError:
            self.statuses[endpoint] = "not ClickSend's envelope"
            raise
        self.statuses[endpoint] = "2xx" if answer.data is not None else "2xx without data"
        self._note_types(endpoint, answer.data)
        return answer

    def _note_types(self, endpoint: str, data: Any) -> None:
        rows = [data]
        if isinstance(data, list):
            rows = data
        elif isinstance(data, dict):
            nested = next((data[name] for name in ROWS_IN if name in data), None)
            rows = nested if isinstance(nested, list) else [data]
        seen = self.types.setdefault(endpoint, {})
        for row in rows:
            for name, value in row.items() if isinstance(row, dict) else ():
                if COLUMN.fullmatch(name):
                    seen.setdefault(name, set()).add(type_of(value))


def type_of(value: Any) -> str:
    """Name the type of a value; of texts also whether they are a number or empty."""
    if isinstance(value, str):
        if not value:
            return "empty text"
        return "number as text" if re.fullmatch(r"-?\d{1,15}(\.\d+)?", value) else "text"
    named = {bool: "boolean", int: "integer", Decimal: "number", float: "number"}
    named |= {list: "array", dict: "object", type(None): "null"}
    return named[type(value)]


def seconds(value: Any) -> int | None:
    """Read a time: Unix seconds or milliseconds, as number or text; None for anything else."""
    if not re.fullmatch(r"\d{1,13}(\.\d+)?", str(value)):
        return None
    return unix_seconds(int(float(str(value))))
