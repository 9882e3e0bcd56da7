"""What can go wrong between us and ClickSend, each as one sentence that says what to do next.

No text here ever holds an API key, a phone number, a name or a message body: an error quotes the
endpoint, the HTTP status and ClickSend's response code, never a value or the server's own prose.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import ClassVar


class FailureKind(Enum):
    """The kinds of failures; they alone decide whether a call may be made again."""

    NOT_TRIED = "the run was stopped, or the call came too late", False, True
    NOT_CONNECTED = "there was no connection to write the request to", True, True
    NO_ANSWER = "the request was written, and no whole answer came", True, False
    NO_API_ANSWER = "something else than this API answered", True, False
    REJECTED = "the server found fault with a value", False, True
    REFUSED = "the server does not let this account do it, or has nothing there", False, True
    RATE_LIMITED = "too many requests", True, True
    REDIRECTED = "the answer points elsewhere", False, False
    SERVER_FAILED = "the server has a problem of its own", True, False
    OTHER = "a code that is not documented, or not a failure of a call", False, False

    def __init__(self, description: str, retryable: bool, not_processed: bool) -> None:  # noqa: FBT001
        self.description = description
        self.retryable = retryable
        """Whether the same call may succeed when it is made again."""
        self.not_processed = not_processed
        """Whether it is certain that the call changed nothing at the server."""


class ClickSendError(Exception):
    """Root of all errors of this package; ``str()`` of it says what happened and what to do.

    Attributes:
        kind: What kind of failure it is.
        happened: What happened alone, for where the advice does not hold: what may have been sent is never
            made again.
        retry_after: Seconds the server asked us to wait, when it said so.
    """

    kind: ClassVar[FailureKind] = FailureKind.OTHER
    retry_after: float | None = None

    def __init__(self, happened: str = "", advice: str = "") -> None:
        self.happened = happened
        super().__init__(f"{happened} {advice}" if advice else happened)

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed when it is made again."""
        return self.kind.retryable

    @property
    def not_processed(self) -> bool:
        """Whether it is certain that the call changed nothing at the server."""
        return self.kind.not_processed


class SettingsError(ClickSendError):
    """A setting is missing, unknown or wrong; the text names it."""


class LedgerError(ClickSendError):
    """The ledger cannot be used, or not for this: another account's, another key's, locked, too new."""


class LedgerUrlError(LedgerError, SettingsError):
    """The settings name no database that could hold a ledger, or no place for its key."""


class UnreachableError(ClickSendError):
    """No answer arrived: refused, timed out, or the connection broke."""

    kind = FailureKind.NO_ANSWER


class NotConnectedError(UnreachableError):
    """There was no connection to write the request to: refused, no such host, or a connect timeout."""

    kind = FailureKind.NOT_CONNECTED


class StoppedError(ClickSendError):
    """The run was asked to end before the request was made."""

    kind = FailureKind.NOT_TRIED

    def __init__(self) -> None:
        super().__init__("It was not tried: the run was stopped.")


class TooLateError(ClickSendError):
    """The time in which the request might have been made was over before it could be."""

    kind = FailureKind.NOT_TRIED

    def __init__(self) -> None:
        super().__init__("It was not tried: its turn came too late. Run again.")


class UnexpectedAnswerError(ClickSendError):
    """An answer arrived that is not one of this API's: HTML, half a body, a redirect."""

    kind = FailureKind.NO_API_ANSWER


class ApiError(ClickSendError):
    """The API answered with an error.

    Attributes:
        status: HTTP status, or the envelope's ``http_code`` where HTTP said 200.
        code: ClickSend's ``response_code`` or the hub's error code, ``""`` when none came.
    """

    advice: ClassVar[str] = "See ClickSend's documentation for this code."

    def __init__(self, endpoint: str, status: int, code: str = "", detail: str = "") -> None:
        self.status = status
        self.code = code
        answered = f"{endpoint} answered {status} {shown_code(code)}".rstrip()
        super().__init__(f"{answered}{detail}.", self.advice)


class BadRequestError(ApiError):
    """400 or BAD_REQUEST."""

    kind = FailureKind.REJECTED
    advice = "A value was refused: correct the setting or the row that it came from."


class InvalidRecipientError(ApiError):
    """INVALID_RECIPIENT, whatever the status."""

    kind = FailureKind.REJECTED
    advice = "The phone number does not exist or is not in E.164 form (+15551234567): correct it upstream."


class UnauthorizedError(ApiError):
    """401: wrong key, or an account that is not activated; the API does not tell them apart (observed)."""

    kind = FailureKind.REFUSED
    advice = (
        "The key was not accepted, or the account is not activated: check api_key (through the hub"
        " SKILLBOSS_API_KEY; with a username CLICKSEND_API_KEY) and sign in once to ClickSend's dashboard."
    )


class PaymentRequiredError(ApiError):
    """402: no balance, or a price that the hub wants to be paid for the call (an x402 quote)."""

    kind = FailureKind.REFUSED
    advice = (
        "Either the balance is used up, or the hub asks a price for this call: top up the SkillBoss account,"
        " or with a username ClickSend's, and look at its dashboard before the next run."
    )


class ForbiddenError(ApiError):
    """403 or FORBIDDEN: no permission, a suspended account, or an object that is not yours."""

    kind = FailureKind.REFUSED
    advice = (
        "The account may not use this: ask for the permission in ClickSend's dashboard (voice and"
        " subaccounts need one), check that the account is not suspended, or deselect the stream."
    )


class NotFoundError(ApiError):
    """404."""

    kind = FailureKind.REFUSED
    advice = "There is nothing of this account at that address: check api_url, and ids in the settings."


class MethodNotAllowedError(ApiError):
    """405."""

    kind = FailureKind.REFUSED
    advice = "This server does not offer the call: check api_url."


class NotServedByHubError(NotFoundError):
    """404 or 405 from a hub that does not pass ClickSend's own API through."""

    advice = (
        "This hub does not serve ClickSend's API: connect directly, with username and ClickSend's own"
        " api_key (CLICKSEND_USERNAME, CLICKSEND_API_KEY)."
    )


class RedirectError(ApiError):
    """3xx: never followed, since it would carry the key elsewhere."""

    kind = FailureKind.REDIRECTED
    advice = "ClickSend's API does not redirect: check api_url."


class TooManyRequestsError(ApiError):
    """429."""

    kind = FailureKind.RATE_LIMITED
    advice = "ClickSend's rate limit is reached: lower requests_per_minute or run again later."


class ServerError(ApiError):
    """5xx; 503 of a hub is what is behind it."""

    kind = FailureKind.SERVER_FAILED
    advice = (
        "ClickSend, or the hub before it, has a problem of its own: run again later, and look at its status"
        " page if it stays."
    )


BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    402: PaymentRequiredError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    429: TooManyRequestsError,
}

BY_CLASS: dict[int, type[ApiError]] = {3: RedirectError, 4: BadRequestError, 5: ServerError}

BY_CODE: dict[str, type[ApiError]] = {
    "INVALID_RECIPIENT": InvalidRecipientError,
    "BAD_REQUEST": BadRequestError,
    "FORBIDDEN": ForbiddenError,
    "UNAUTHORIZED": UnauthorizedError,
    "NOT_FOUND": NotFoundError,
    "TOO_MANY_REQUESTS": TooManyRequestsError,
    "HTTP_TOO_MANY_REQUESTS": TooManyRequestsError,
    "INTERNAL_SERVER_ERROR": ServerError,
    "invalid_api_key": UnauthorizedError,
    "missing_authorization": UnauthorizedError,
    "insufficient_balance": PaymentRequiredError,
}


PLAIN_CODES = frozenset(
    {"CANCELLED", "COMPLETED", "FAILED", "QUEUED", "REJECTED", "SUCCESS", "THROTTLED", "error"}
    | {"invalid_phone_number", "invalid_request", "invalid_request_error", "invalid_template"}
    | {"invalid_template_variables", "model_not_found"}
)
"""Known codes of one word or in small letters, which by their looks could be somebody's name."""


def shown_code(code: str) -> str:
    """Return a code of an answer if it may be shown, else ``""``: some servers put values in its place."""
    is_code = code in BY_CODE or code in PLAIN_CODES or re.fullmatch(r"(?=.{1,50}$)[A-Z]+(_[A-Z]+)+", code)
    return code if is_code else ""


def api_error(endpoint: str, status: int, code: str = "", detail: str = "") -> ApiError:
    """Return the error for an answer: by its code where the HTTP status says nothing, else by status."""
    if code == "INVALID_RECIPIENT" or status // 100 == 2:  # noqa: PLR2004
        kind = BY_CODE.get(code, ApiError)
    else:
        kind = BY_STATUS.get(status) or BY_CLASS.get(status // 100, ApiError)
    return kind(endpoint, status, code, detail)
