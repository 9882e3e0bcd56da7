"""Both envelopes, recorded errors, and bodies that are not what they should be."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicksend import errors
from clicksend.envelope import decode, raise_for_answer, unwrap, unwrap_hub
from tests.contract.recorded_server import RECORDED, recorded

ENDPOINT = "GET /lists"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def ok(data):
    return {"http_code": 200, "response_code": "SUCCESS", "response_msg": "Here.", "data": data}


def in_hub(body):
    return {"status": "success", "result": body}


@pytest.mark.parametrize("wrap", [lambda body: body, in_hub, lambda body: in_hub(in_hub(body))])
def test_data_comes_out_of_either_envelope(wrap):
    assert unwrap(ENDPOINT, wrap(ok({"total": 1}))) == {"total": 1}
    assert unwrap(ENDPOINT, wrap(ok([]))) == []


@pytest.mark.parametrize(
    "body", [[], None, "text", 3, {}, {"message": "hello"}, {"data": []}, {"result": []}]
)
def test_json_without_the_envelope_is_no_answer(body):
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists"):
        unwrap(ENDPOINT, body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({**ok(None), "http_code": 401}, errors.UnauthorizedError),
        ({**ok(None), "http_code": "403"}, errors.ForbiddenError),
        ({**ok(None), "response_code": "FORBIDDEN"}, errors.ForbiddenError),
        ({**ok(None), "response_code": "BAD_REQUEST"}, errors.BadRequestError),
        ({**ok(None), "response_code": "INVALID_RECIPIENT"}, errors.InvalidRecipientError),
        ({**ok(None), "response_code": "NEW_CODE"}, errors.ApiError),
        ({"status": "success", "result": {**ok(None), "http_code": 404}}, errors.NotFoundError),
        (
            {"error": {"message": "m", "type": "t", "code": "insufficient_balance"}},
            errors.PaymentRequiredError,
        ),
        ({"status": "error", "result": {}}, errors.ApiError),
        ({"status": "failed", "result": ok(None)}, errors.ApiError),
        ({**ok(None), "error": "insufficient_balance"}, errors.ApiError),
        ({**ok(None), "error": {"code": "insufficient_balance"}}, errors.ApiError),
        ({"error": "insufficient_balance"}, errors.ApiError),
    ],
)
def test_success_that_says_otherwise_is_an_error(body, kind):
    with pytest.raises(errors.ApiError) as caught:
        unwrap(ENDPOINT, body)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("error_400.code", 400, errors.BadRequestError),
        ("error_400.fields", 400, errors.BadRequestError),
        ("error_401", 401, errors.UnauthorizedError),
        ("hub_error_401", 401, errors.UnauthorizedError),
        ("hub_error_402", 402, errors.PaymentRequiredError),
        ("error_403", 403, errors.ForbiddenError),
        ("error_403.suspended", 403, errors.ForbiddenError),
        ("error_404", 404, errors.NotFoundError),
        ("error_405", 405, errors.MethodNotAllowedError),
        ("error_429", 429, errors.TooManyRequestsError),
        ("error_429.documented", 429, errors.TooManyRequestsError),
    ],
)
def test_every_recorded_error_gets_its_own_advice(name, status, kind):
    with pytest.raises(errors.ApiError) as caught:
        raise_for_answer(ENDPOINT, status, (RECORDED / f"{name}.json").read_bytes())
    assert type(caught.value) is kind
    assert str(caught.value).endswith(kind.advice)
    assert str(caught.value).startswith(f"GET /lists answered {status}")
    message = recorded(name).get("response_msg")
    assert not message or message not in str(caught.value)


ODD_NAMES = [
    "61411222355",
    "qanaryfirst",
    "sk_0a1b2c",
    "+1",
    "a" * 41,
    "phone_number\n",
    "jane@people.example",
    "",
]


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"status": "success", "result": body}])
@pytest.mark.parametrize("status", [200, 400])
def test_of_refused_fields_those_that_we_sent_are_named_and_nothing_else(wrap, status):
    data = {"phone_number": "+15550100 is bad", "custom_1": "x", **dict.fromkeys(ODD_NAMES, "invalid")}
    body = {"http_code": 400, "response_code": "BAD_REQUEST", "data": data}
    raw = json.dumps(body).encode()
    for sent in ({"phone_number", "custom_1", "other"}, {*data}):
        with pytest.raises(
            errors.BadRequestError, match=r"400 BAD_REQUEST for phone_number, custom_1"
        ) as caught:
            (
                unwrap(ENDPOINT, wrap(body), sent.copy)
                if status == 200
                else raise_for_answer(ENDPOINT, 400, raw, sent.copy)
            )
        assert not [name for name in ODD_NAMES[2:-1] if name in str(caught.value)]
        assert ("qanaryfirst" in str(caught.value)) == ("qanaryfirst" in sent)
        assert "61411222355" not in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        "Qanaryfirst",
        "QANARYFIRST",
        "qanaryfirst",
        "qanary_first",
        "Jane_Roe",
        "jane roe",
        "61411222355",
        "A" * 60,
        *("A_\n", "\x1b[31m", "_", 5, ["A"], {"a": 1}),
    ],
)
def test_a_code_is_shown_if_it_is_one(code):
    answers = [
        {"http_code": 400, "response_code": code, "data": None},
        {"error": {"code": code}},
        {"error": code},
        {"status": code, "result": {}},
    ]
    for answer in answers:
        with pytest.raises(errors.ApiError) as caught:
            raise_for_answer(ENDPOINT, 400, json.dumps(answer).encode())
        assert str(code) not in str(caught.value).replace("GET /lists", "").replace("_URL", "") or code == "_"
        assert str(caught.value).startswith("GET /lists answered 400")
    for known in ("NEW_CODE", "COUNTRY_NOT_ENABLED", "insufficient_balance", "FORBIDDEN"):
        assert known in str(errors.api_error(ENDPOINT, 400, known))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5000 + b"]" * 5000, b'"\xff' + b"[" * 9999]
)
@pytest.mark.parametrize("lenient", [b"", b'["\\ud83d", '])
def test_what_is_nested_too_deeply_is_no_answer(body, lenient):
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists answered with"):
        decode(ENDPOINT, lenient + body)


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "-1e-99999999999999999999", "9" * 5000, "1" * 5000 + ".5"]
)
def test_numbers_that_nothing_holds_are_an_answer_or_none(number):
    try:
        decode(ENDPOINT, b'{"a": %s}' % number.encode())
    except errors.UnexpectedAnswerError as error:
        assert number[:99] not in str(error)  # noqa: PT017


@pytest.mark.parametrize(("status", "kind"), [(302, errors.RedirectError), (418, errors.BadRequestError)])
def test_other_statuses(status, kind):
    with pytest.raises(kind):
        raise_for_answer(ENDPOINT, status, b"<html>")
    with pytest.raises(errors.ServerError):
        raise_for_answer(ENDPOINT, 503, b"")


def test_hub_results_come_bare_or_wrapped():
    for name in ("hub_notify", "hub_notify.bare", "hub_verify", "hub_verify.bare"):
        assert unwrap_hub("POST /v1/run", recorded(name))["id"]
    assert unwrap_hub("POST /v1/run", {"data": {"result": {"id": "1"}}}) == {"id": "1"}
    # A wrong code is a result of Prelude's, not an error.
    assert unwrap_hub("POST /v1/run", {"status": "failure"}) == {"status": "failure"}


def test_decimals_are_exact():
    assert decode(ENDPOINT, b'{"a": 0.10, "b": 12345678901234567890.123456789}') == {
        "a": Decimal("0.10"),
        "b": Decimal("12345678901234567890.123456789"),
    }


@pytest.mark.parametrize("body", [b"", b"<html>down</html>", b'{"data": [1, 2', b'"\\u12', b"\xff"])
def test_other_bodies_are_no_answer(body):
    with pytest.raises(errors.UnexpectedAnswerError, match="GET /lists"):
        decode(ENDPOINT, body)


def test_one_broken_character_does_not_cost_the_page():
    assert decode(ENDPOINT, b'{"a": "x\\ud83d", "b": "ok"}') == {"a": "x?", "b": "ok"}
    assert decode(ENDPOINT, b'{"a": "x\xff"}') == {"a": "x\ufffd"}


def test_nul_is_replaced_since_no_warehouse_stores_it():
    body = rb'{"a": "x\u0000y", "b": "backslash u: \\u0000", "c": "backslash, NUL: \\\u0000"}'
    assert decode(ENDPOINT, body) == {
        "a": "x\ufffdy",
        "b": "backslash u: \\u0000",
        "c": "backslash, NUL: \\\ufffd",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    )
)
def test_no_prefix_of_a_body_passes_for_the_whole(value):
    body = json.dumps(ok([value])).encode()
    assert unwrap(ENDPOINT, decode(ENDPOINT, body)) == json.loads(body)["data"]
    with pytest.raises(errors.UnexpectedAnswerError):
        decode(ENDPOINT, body[: len(body) // 2])


FAILED = {"message": "m", "type": "t", "code": "insufficient_balance"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"status": "success", "result": {"error": FAILED}}, errors.PaymentRequiredError),
        ({"status": "success", "result": {"status": "error", "id": "1"}}, errors.ApiError),
        ({"data": {"result": {"error": FAILED}}}, errors.PaymentRequiredError),
        ({"data": {"result": {"id": "1", "error": FAILED}}}, errors.ApiError),
        ({"data": {"result": {"id": "1"}, "error": "insufficient_balance"}}, errors.ApiError),
        ({"data": {"status": "error", "result": {"id": "1"}}}, errors.ApiError),
        ({"data": {"status": "queued", "result": {"id": "1"}}}, errors.ApiError),
        ({"status": "failed", "data": {"result": {"id": "1"}}}, errors.ApiError),
        ({"status": "queued", "result": {"id": "1"}}, errors.ApiError),
        ({"data": {"result": {"http_code": 402, "response_code": "X", "data": None}}}, errors.ApiError),
    ],
)
def test_a_failure_in_any_of_the_hubs_layers_is_one(body, kind):
    with pytest.raises(kind) as caught:
        unwrap_hub("POST /v1/run", body)
    # Beside an id nothing is certain: it may have gone out.
    assert "id" not in json.dumps(body) or not caught.value.not_processed
