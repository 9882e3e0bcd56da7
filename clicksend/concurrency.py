"""How many requests an endpoint is worth at once: found out, not set.

By Little's law, answers a second are requests under way divided by the seconds that each takes. Where a
quarter more take as long as before, the server has room; where they take a quarter longer, they only queue,
and fewer would do as well. So now and then a round is made at another level, and the better of both is kept.
"""

from __future__ import annotations

FIRST = 16
"""Requests at once before anything is known."""
LEAST = 2
"""Requests at once that are always worth it: one is answered while the other is on its way."""
SMALLEST_ROUND = 4
"""Answers; one alone says little."""
WORTH = 0.25
"""More at once must bring this share of what it would bring without any queue."""
DOUBLE, STEP = 2.0, 1.25
"""From one level to the next that is tried: at first, and once anything was too much."""
SLOWER = 2.0
"""Latency of a round in those of the one before, at which the server has too much to do, whoever did it."""
SHORTEST = 1e-6
"""Seconds; some clocks do not see less than 15 ms, and nothing takes no time."""
FORGETTING = 1.01
"""By which the most that is tried after a refusal grows with each round."""
SHORTEST_WAIT, LONGEST_WAIT = 2, 32
"""Rounds between two trials; each one that changes nothing doubles them."""


class Concurrency:
    """The level of one endpoint; not safe for threads by itself.

    It goes by rounds: as many answers as are under way at once. A round's latency is its lower quartile,
    which new connections and a few slow answers do not change.
    """

    def __init__(self, ceiling: int) -> None:
        """Begin; the level is never above ``ceiling``."""
        self.level = min(FIRST, ceiling)
        """Requests that may be under way at once."""
        self.wanted = False
        """Whether one more would have been made in this round."""
        self._ceiling = ceiling
        self._most = float(ceiling)
        self._step = DOUBLE
        self._rises = True
        self._wait = self._left = 0
        self._before: tuple[int, float] | None = None
        self._began = float("-inf")
        self._latencies: list[float] = []

    def answered(self, began: float, now: float) -> None:
        """Learn from an answer to a request that began at a time; times are seconds of one clock."""
        if began < self._began:
            return
        self._latencies.append(max(now - began, SHORTEST))
        # While the level doubles, those that were added answer first, on new connections as in round one.
        size = self.level / 2 if self._step == DOUBLE else self.level
        if len(self._latencies) >= max(size, SMALLEST_ROUND):
            if self.wanted:
                self._judge()
            self._start_round(now)

    def refused(self, began: float, now: float) -> None:
        """Learn that the server had too much to do, or did not answer at all."""
        if began >= self._began:
            self._most = self.level / STEP
            self._fall_to(self.level / 2)
            self._start_round(now)

    def _judge(self) -> None:
        """End a round whose requests were as many as the level allows."""
        latency = sorted(self._latencies)[len(self._latencies) // 4]
        level, (before, latency_before) = self.level, self._before or (self.level, latency)
        self._before = level, latency
        self._most = min(self._ceiling, self._most * FORGETTING)
        more, slower = level / before, latency / latency_before
        if more == 1:
            if slower > SLOWER:
                self._fall_to(level / STEP)
            elif self._left:
                self._left -= 1
            else:
                self._try()
        elif (more / slower - 1) / (more - 1) >= WORTH:
            # The higher of the two levels brings more.
            if more > 1:
                self._wait = 0
                self._try()
            else:
                self._settle(before)
        elif more > 1:
            self._settle(level / slower)
        else:
            self._wait = 0
            self._try()

    def _try(self) -> None:
        """Go on to the next level, if there is one."""
        level = self.level
        other = max(level + 1, level * self._step) if self._rises else min(level - 1, level / self._step)
        self.level = min(self._ceiling, max(LEAST, int(min(other, self._most))))
        if self.level == level:
            self._settle(level)

    def _settle(self, level: float) -> None:
        """Stay at a level for some rounds, then try the other direction."""
        self._before = None
        self.level = min(self._ceiling, max(LEAST, round(level)))
        self._step, self._rises = STEP, not self._rises
        self._wait = min(LONGEST_WAIT, max(SHORTEST_WAIT, 2 * self._wait))
        self._left = self._wait

    def _fall_to(self, level: float) -> None:
        self._wait, self._rises = 0, True
        self._settle(level)

    def _start_round(self, now: float) -> None:
        self._began, self.wanted = now, False
        self._latencies.clear()
