"""Rows finish in any order; a state is written once all rows before it have."""

import json

from hypothesis import given
from hypothesis import strategies as st

from target_clicksend.states import States


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
