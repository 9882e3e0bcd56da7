"""Whatever arrives in whatever order and ends however, no state is written that covers an open row."""

import io
import json
from contextlib import redirect_stdout

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from target_clicksend import run as run_module
from target_clicksend.row import Row
from target_clicksend.run import AGAIN, Run
from target_clicksend.states import States
from tests.conftest import budget

SINKS = ("a", "b")
SETTLED = ("created", "updated", "unchanged", "rejected", "duplicate", "suppressed")

STEP = st.one_of(
    st.tuples(st.just("row"), st.sampled_from(SINKS), st.sampled_from([*SETTLED, *AGAIN]), st.booleans()),
    st.tuples(st.just("state")),
    st.tuples(st.just("settle"), st.sampled_from(SINKS), st.integers(0, 5)),
    st.tuples(st.just("commit")),
)


class Ledger:
    """Keeps nothing but what was committed."""

    def __init__(self):
        self.committed = []
        self.outcomes = self.memory = self

    def record(self, _, outcomes):
        self.committed += [int(outcome.key) for outcome in outcomes]

    def set_written(self, hashes):
        pass

    def close(self):
        pass


class Play:
    """A run whose rows are settled as the test wants, and the record of what was written when."""

    def __init__(self, chunk):
        self.ledger = Ledger()
        self.run = Run({"dry_run": False, "fail_on_conflict": False})
        self.run.ledger = self.ledger
        run_module.COMMIT_ROWS = chunk
        self.outcome = {}
        self.waiting = {sink: [] for sink in SINKS}
        self.states = [0]

    def row(self, sink, outcome, at_once):
        number = self.run.open_row()
        self.outcome[number] = outcome
        if at_once:
            self.done(sink, number)
        else:
            self.waiting[sink].append(number)

    def settle(self, sink, index):
        if index < len(self.waiting[sink]):
            number = self.waiting[sink].pop(index)
            self.done(sink, number)

    def done(self, sink, number):
        row = Row(number, "s", str(number), "{}", {})
        self.run.record_outcome(row, sink, self.outcome[number])

    def state(self):
        self.run.add_state({"row": self.run.rows})
        self.states.append(self.run.rows)

    def commit(self):
        self.run.commit()

    @property
    def open_rows(self):
        return [
            number
            for number, outcome in self.outcome.items()
            if outcome in AGAIN or number not in self.ledger.committed
        ]

    @property
    def safe(self):
        """The newest state that no row forbids."""
        first_open = min(self.open_rows, default=self.run.rows + 1)
        return max(number for number in self.states if number < first_open)


@settings(max_examples=budget(100, 5000))
@given(st.lists(STEP, max_size=40), st.integers(1, 4), st.booleans())
def test_a_written_state_covers_no_open_row(steps, chunk, ends):
    before = run_module.COMMIT_ROWS
    output = io.StringIO()
    try:
        with redirect_stdout(output):
            play = Play(chunk)
            for name, *arguments in steps:
                seen = len(output.getvalue())
                getattr(play, name)(*arguments)
                for written in output.getvalue()[seen:].splitlines():
                    number = msgspec.json.decode(written)["row"]
                    assert not [one for one in play.open_rows if one <= number]
            if ends:
                for sink in SINKS:
                    while play.waiting[sink]:
                        play.settle(sink, 0)
            play.run.end()
    finally:
        run_module.COMMIT_ROWS = before
    numbers = [msgspec.json.decode(line)["row"] for line in output.getvalue().splitlines()]
    assert numbers == sorted(set(numbers))
    assert len(play.states) == 1 or play.safe == (numbers or [0])[-1]
    assert play.ledger.committed.count(1) <= 1


@given(st.lists(st.one_of(st.none(), st.integers(1, 30)), max_size=60))
def test_a_state_waits_for_all_rows_before_it_whatever_finishes_when(steps):
    """None: a row arrives, and a state after it; a number: that row is finished, perhaps once more."""
    written = []
    states, finished = States(lambda text: written.append(json.loads(text)["row"])), set()
    for number in steps:
        if number is None:
            assert states.open_row() == states.rows
            states.add({"row": states.rows})
        elif number <= states.rows:
            states.finish_row(number)
            finished.add(number)
        states.advance()
        done = next(one for one in range(states.rows + 1) if one + 1 not in finished)
        assert (written or [0])[-1] == done
    assert written == sorted(set(written))


def test_a_row_that_is_never_finished_holds_back_what_comes_after_it():
    written = []
    states = States(written.append)
    for number in range(1, 1001):
        assert states.open_row() == number
        states.add({"row": number})
        if number != 3:
            states.finish_row(number)
        states.advance()
    assert (written, states.is_written, states.rows) == (['{"row":1}', '{"row":2}'], True, 1000)
    states.finish_row(3)
    states.advance()
    assert written[2:] == ['{"row":1000}']


def test_equal_states_are_written_once():
    written = []
    states = States(written.append)
    for _ in range(3):
        states.finish_row(states.open_row())
        states.add({"at": 1})
        states.advance()
    assert written == ['{"at":1}']
