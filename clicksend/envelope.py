"""Answers out of their wrappings: ClickSend's envelope, the hub's around it, and both kinds of error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from clicksend.errors import ApiError, UnexpectedAnswerError, api_error

OK = 200
GOOD = "success"
"""The status of a hub's envelope when all went well, the only one documented."""
ANSWERED = frozenset({"id", "request_id", "result", "data", "http_code", "response_code"})
"""What a body has that is more than the hub's error: ``{"error": {"message", "type", "code"}}``."""
NUL = rb"\u0000"
NUL_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""NUL as JSON writes it, behind an even number of backslashes."""

FIELD = re.compile(r"[a-z][a-z_]{0,39}\d{0,2}")

Sent = Callable[[], Collection[str]]
"""Returns the names of what a request sent; asked only when an error names some of them."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def decode(endpoint: str, body: bytes) -> Any:
    """Decode a JSON body; numbers with a fraction become ``Decimal``.

    Raises:
        UnexpectedAnswerError: The body is not JSON, or not all of it, or nested too deeply.
    """
    if NUL in body:
        # No warehouse stores it; losing the row for it would be worse.
        body = NUL_ESCAPE.sub(rb"\1\\ufffd", body)
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        return _decode_leniently(endpoint, body)
    except RecursionError:
        raise _unusable(endpoint, "JSON that is nested too deeply") from None


def _decode_leniently(endpoint: str, body: bytes) -> Any:
    """Decode JSON whose text is not valid Unicode (lone surrogates, stray bytes): those become "?"."""
    try:
        value = json.loads(body.decode(errors="replace"), parse_float=str)
        return _decode(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except ValueError:
        kind = "an HTML page" if body.lstrip()[:1] == b"<" else "a body that is not complete JSON"
        raise _unusable(endpoint, kind) from None
    except RecursionError:
        raise _unusable(endpoint, "JSON that is nested too deeply") from None


def _unusable(endpoint: str, kind: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"{endpoint} answered with {kind}.", "Check api_url, and any proxy in between; else run again later."
    )


def unwrap(endpoint: str, body: Any, sent: Sent = frozenset) -> Any:
    """Return ClickSend's ``data`` from a decoded v3 answer.

    Args:
        endpoint: For error texts, like ``GET /account``.
        body: ClickSend's envelope, bare or inside the hub's.
        sent: Returns the fields that an error may name.

    Raises:
        ApiError: The envelope says that the call failed, whatever the HTTP status was.
        UnexpectedAnswerError: There is no envelope.
    """
    body = _out_of_hub(endpoint, body, sent)
    if not isinstance(body, dict) or "data" not in body or not {"http_code", "response_code"} & body.keys():
        raise UnexpectedAnswerError(
            f"{endpoint} answered with JSON that is not ClickSend's v3 envelope.", "Check api_url."
        )
    return body["data"]


def unwrap_bare(endpoint: str, body: Any, sent: Sent = frozenset) -> dict[str, Any]:
    """Return the answer of a service that sends no envelope of ClickSend's; without one if it does.

    Args:
        endpoint: For error texts.
        body: The answer, bare or inside the hub's envelope.
        sent: As for ``unwrap``.

    Raises:
        ApiError: It says that the call failed, whatever the HTTP status was.
        UnexpectedAnswerError: It is not a JSON object.
    """
    body = _out_of_hub(endpoint, body, sent)
    if isinstance(body, dict) and "http_code" in body and isinstance(body.get("data"), dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise UnexpectedAnswerError(
            f"{endpoint} answered with JSON that is not an object, as ClickSend sends it. Check api_url."
        )
    return body


def _out_of_hub(endpoint: str, body: Any, sent: Sent) -> Any:
    """Return an answer out of the hub's envelopes.

    Raises:
        ApiError: One of them, or what is in them, says that the call failed.
    """
    _raise_for_verdict(endpoint, body, sent)
    while _is_hub_envelope(body):
        _raise_for_wrapping(endpoint, body)
        body = body["result"]
        _raise_for_verdict(endpoint, body, sent)
    return body


def unwrap_hub(endpoint: str, body: Any, sent: Sent = frozenset) -> Any:
    """Return the result of a hub call: ``result``, else ``data.result``, else the provider's bare body.

    Raises:
        ApiError: The hub, or the provider in it, says that the call failed, whatever the HTTP status was; or
            an envelope has a status that is not known to be good.
    """
    layers = [body]
    if _is_hub_envelope(body):
        layers = [body, body["result"]]
    elif isinstance(body, dict) and isinstance(body.get("data"), dict) and "result" in body["data"]:
        layers = [body, body["data"], body["data"]["result"]]
    for layer in layers:
        _raise_for_verdict(endpoint, layer, sent)
    for envelope in layers[:-1]:
        _raise_for_wrapping(endpoint, envelope)
    return layers[-1]


def raise_for_answer(endpoint: str, status: int, body: bytes, sent: Sent = frozenset) -> NoReturn:
    """Raise the error that an answer with an error status is; its body may be anything.

    Raises:
        ApiError: Always.
    """
    try:
        decoded = decode(endpoint, body)
    except UnexpectedAnswerError:
        decoded = None
    code = _verdict(status, decoded)[1]
    raise api_error(endpoint, status, code, _fields(decoded, sent))


def _raise_for_verdict(endpoint: str, body: Any, sent: Sent) -> None:
    """Raise the error that the body of a 2xx answer reports, if it reports one."""
    if isinstance(body, dict) and (error := body.get("error")):
        is_documented = isinstance(error, dict) and not ANSWERED & body.keys()
        code = _code(error.get("code") if isinstance(error, dict) else error) or "error"
        # Beside anything else, or as text, an error does not say that nothing was done.
        raise api_error(endpoint, OK, code) if is_documented else ApiError(endpoint, OK, code)
    status, code = _verdict(OK, body)
    if status != OK or code not in ("", "SUCCESS"):
        raise api_error(endpoint, status, code, _fields(body, sent))


def _raise_for_wrapping(endpoint: str, envelope: Any) -> None:
    """Raise an error for a hub's envelope whose status is not known to be good."""
    if envelope.get("status") not in (None, GOOD):
        raise ApiError(endpoint, OK, _code(envelope["status"]) or "error")


def _verdict(status: int, body: Any) -> tuple[int, str]:
    """Return the status that counts and the code that came with it."""
    if not isinstance(body, dict):
        return status, ""
    if isinstance(body.get("error"), dict):
        return status, _code(body["error"].get("code")) or "error"
    if _is_hub_envelope(body) or not {"http_code", "response_code"} & body.keys():
        # Prelude answers {"status": "failure"} for a wrong code: a result, not an error.
        return status, "error" if body.get("status") == "error" else ""
    if status == OK and re.fullmatch(r"\d{3}", str(body.get("http_code"))):
        status = int(body["http_code"])
    return status, _code(body.get("response_code"))


def _is_hub_envelope(body: Any) -> bool:
    return isinstance(body, dict) and "result" in body and "http_code" not in body


def _code(value: Any) -> str:
    """Keep what looks like a code: some servers put prose, or PHP's own words, in its place (observed)."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z_]{1,50}", value) else ""


def _fields(body: Any, sent: Sent) -> str:
    """Name the refused fields of a 400, those that we sent: never values, nor what else stands there."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict) or not data:
        return ""
    known = sent()
    names = [name for name in data if name in known and FIELD.fullmatch(name)]
    return f" for {', '.join(names)}" if names else ""
