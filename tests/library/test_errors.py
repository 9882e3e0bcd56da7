"""What each kind of failure lets be done again."""

import pytest

from clicksend import errors
from clicksend.client import Call
from clicksend.errors import FailureKind


def error(kind):
    found = errors.ClickSendError("It failed.")
    found.kind = kind
    return found


@pytest.mark.parametrize(
    ("repeat", "kinds"),
    [
        ("always", {"NOT_CONNECTED", "NO_ANSWER", "NO_API_ANSWER", "RATE_LIMITED", "SERVER_FAILED"}),
        ("unprocessed", {"NOT_CONNECTED", "RATE_LIMITED"}),
        ("send", {"NOT_CONNECTED", "RATE_LIMITED"}),
    ],
)
def test_which_failures_are_followed_by_another_attempt(repeat, kinds):
    call = Call("POST", "/sms/send", repeat=repeat)
    assert {kind.name for kind in FailureKind if call.may_repeat(error(kind))} == kinds


def test_which_failures_leave_it_open_what_happened():
    open_ones = {kind.name for kind in FailureKind if not kind.not_processed}
    assert open_ones == {"NO_ANSWER", "NO_API_ANSWER", "REDIRECTED", "SERVER_FAILED", "OTHER"}


def test_a_wait_longer_than_a_quarter_of_an_hour_is_not_waited():
    call, limited = Call("GET", "/lists", repeat="always"), error(FailureKind.RATE_LIMITED)
    limited.retry_after = 900
    assert call.may_repeat(limited)
    limited.retry_after = 901
    assert not call.may_repeat(limited)


def test_an_error_of_ours_is_never_followed_by_another_attempt():
    assert not Call("GET", "/lists", repeat="always").may_repeat(ValueError("a mistake"))
