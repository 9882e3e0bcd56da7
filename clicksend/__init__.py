"""ClickSend's REST API v3, reached directly or through the SkillBoss hub; no Singer in it.

``clicksend.read("sms_history", since="2026-10-01").to_pandas()`` gives an analyst any stream of the tap;
``clicksend.streams()`` says which there are.
"""

from typing import TYPE_CHECKING

from clicksend.errors import (
    ApiError,
    BadRequestError,
    ClickSendError,
    ForbiddenError,
    InvalidRecipientError,
    MethodNotAllowedError,
    NotFoundError,
    NotServedByHubError,
    PaymentRequiredError,
    RedirectError,
    ServerError,
    SettingsError,
    TooManyRequestsError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
)

if TYPE_CHECKING:
    from clicksend.frames import Rows, StreamName, read, streams

    __version__: str

__all__ = [
    "ApiError",
    "BadRequestError",
    "ClickSendError",
    "ForbiddenError",
    "InvalidRecipientError",
    "MethodNotAllowedError",
    "NotFoundError",
    "NotServedByHubError",
    "PaymentRequiredError",
    "RedirectError",
    "Rows",
    "ServerError",
    "SettingsError",
    "StreamName",
    "TooManyRequestsError",
    "UnauthorizedError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "__version__",
    "read",
    "streams",
]

# Hidden from type checkers: they would take any name for one that is there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what reads when first asked for it: most who import this package never read."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415

            return version("singer-clicksend")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from clicksend import frames  # noqa: PLC0415

        return getattr(frames, name)

    def __dir__() -> list[str]:
        """Return what is meant for use."""
        return list(__all__)
