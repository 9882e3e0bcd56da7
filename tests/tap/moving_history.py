"""A history whose rows come, go and change between one request and the next, as a script says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from clicksend.client import Answer, Client
from clicksend.settings import Settings
from tests.tap.runner import CREDENTIALS, Output, run_tap

R = TypeVar("R")


class AnyOrder(Executor):
    """Does what is submitted when somebody waits for it, in any order that so many threads could choose."""

    def __init__(self, threads: int, chance: Random) -> None:
        self._threads, self._chance = threads, chance
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, function: Callable[..., R], /, *arguments: Any, **options: Any) -> Future[R]:
        future: Future[R] = _Awaited(self)
        self._waiting.append((future, lambda: function(*arguments, **options)))
        return future

    def work_until(self, wanted: Future[Any]) -> None:
        while not wanted.done():
            place = self._chance.randrange(min(self._threads, len(self._waiting)))
            future, call = self._waiting.pop(place)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001, whoever waits for it gets it
                future.set_exception(error)


class _Awaited(Future[R]):
    def __init__(self, executor: AnyOrder) -> None:
        super().__init__()
        self._executor = executor

    def result(self, timeout: float | None = None) -> R:
        self._executor.work_until(self)
        return super().result(timeout)


class MovingClient(Client):
    """The client of a run, which asks the history instead of a server."""

    def __init__(self, history: MovingHistory, threads: int) -> None:
        config = {"max_concurrency": threads, **CREDENTIALS}
        super().__init__(Settings.from_config(config, env={}))
        self._workers.shutdown()
        self._workers = AnyOrder(threads, history.chance)  # type: ignore[assignment]
        self._history = history

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        assert path == "/sms/history"
        answer = Answer(self._history.answer(params or {}), datetime.fromtimestamp(self._history.now, UTC))
        self.started_at = self.started_at or answer.date
        return answer


class MovingHistory:
    """Answers /sms/history over ``rows`` (message_id -> date, Unix seconds), ``honest`` about dates or not.

    ``moves`` says what happens before the nth request: ``{n: [("insert" | "delete", message_id, date)]}``, or
    ``("forget", "", 0)``: the oldest message goes, as ClickSend forgets them after four months.
    ``inbound`` holds what came in, with ids of its own or of what was sent. ``always`` are the rows that were
    never gone.
    """

    def __init__(
        self,
        rows: dict[str, int],
        moves: dict[int, list[tuple[str, str, int]]],
        now: int,
        *,
        honest: bool = True,
        inbound: dict[str, int] | None = None,
        seed: int = 1,
    ) -> None:
        self.rows, self.always, self.now = dict(rows), set(rows), now
        self.chance = Random(seed)
        self.requests = 0
        self._inbound, self._moves, self._honest = inbound or {}, moves, honest

    def goes_on(self, rows: dict[str, int], moves: dict[int, list[tuple[str, str, int]]], now: int) -> None:
        """Have more rows, and a script of its own for the requests from here on."""
        self.rows |= rows
        self.always |= rows.keys()
        self._moves, self.now, self.requests = moves, now, 0

    def run(
        self,
        *,
        state: dict[str, Any] | None = None,
        output: Output | None = None,
        max_concurrency: int = 8,
        **config: Any,
    ) -> Output:
        """Run the tap over it; its requests come in any order that so many threads could choose."""
        client, url = MovingClient(self, max_concurrency), "http://127.0.0.1:9/v3"
        return run_tap(url, "sms_history", state=state, output=output, client=client, **config)

    def answer(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page, as the API has it under ``data``."""
        self.requests += 1
        for kind, message_id, date in self._moves.get(self.requests, []):
            if kind == "insert":
                self.rows.setdefault(message_id, date)
                continue
            oldest = min(self.rows, key=lambda one: (self.rows[one], one), default="")
            gone = oldest if kind == "forget" else message_id
            self.rows.pop(gone, None)
            self.always.discard(gone)
        both = {"out": self.rows, "in": self._inbound}
        rows = sorted((d, i, direction) for direction, some in both.items() for i, d in some.items())
        if self._honest:
            since, until = int(query.get("date_from", 0)), int(query.get("date_to", 2**40))
            rows = [row for row in rows if since <= row[0] <= until]
        limit, page = int(query["limit"]), int(query["page"])
        data = [
            {"message_id": i, "date": d, "direction": direction, "status": "Sent", "status_code": "201"}
            for d, i, direction in rows[(page - 1) * limit : page * limit]
        ]
        last_page = -(-len(rows) // limit)
        pager = {"total": len(rows), "per_page": limit, "current_page": page, "last_page": last_page}
        return pager | {"data": data}
