"""The messages of a run that got no usable answer: what the history shows in the end is what counts."""

from __future__ import annotations

from target_clicksend.run import Run


class Unanswered:
    """Those of one sink."""

    def __init__(self, run: Run, sink: str) -> None:
        self._run, self._sink = run, sink
        self._reasons: dict[str, str] = {}

    def add(self, key: str, reason: str) -> None:
        """Note a key whose message was counted as ``unknown``, and why."""
        self._reasons[key] = reason

    def count_anew(self) -> None:
        """Count those as ``sent`` that have been found since."""
        known = self._run.ledger.outcomes.known(self._sink, dict.fromkeys(self._reasons, ()))
        found = [key for key, one in known.items() if one.outcome == "sent"]
        if not found:
            return
        self._run.ledger.outcomes.count_found(self._run.id, self._sink, len(found))
        self._run.report.found(self._sink, [self._reasons.pop(key) for key in found])
