"""Files that are uploaded to the sandbox, and picture messages that carry them."""

import base64

import pytest

from tests.sandbox.runner import EPOCH

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CONTENT = {"content": base64.b64encode(PICTURE).decode()}


@pytest.mark.parametrize("types", [0, 1], ids=["live", "legacy"])
def test_an_upload_can_be_sent(boxes, call, send, types):
    box = boxes[types]
    box.control("POST", "reset")
    data = call("POST", "/uploads", CONTENT, params={"convert": "mms"}, box=box)
    kind = str if types else int
    assert data == {
        "upload_id": data["upload_id"],
        "user_id": 672721,
        "file_name": data["file_name"],
        "date_added": kind(EPOCH),
        "date_delete": kind(EPOCH + 600),
        "_url": f"https://media.example.com/_media/{data['file_name']}",
    }
    (row,) = send(channel="mms", media_file=data["_url"], box=box)["messages"]
    assert (row["status"], row["_media_file_url"]) == ("SUCCESS", data["_url"])
    again = call("POST", "/uploads", CONTENT, params={"convert": "csv"}, box=box)
    assert again["upload_id"] == data["upload_id"] + 1
    assert again["file_name"].endswith(".csv")


def test_a_form_is_an_upload_too(box, session):
    url = f"{box.api_url}/uploads?convert=mms"
    for files, status in (
        ({"file": ("ü.png", PICTURE, "image/png")}, 200),
        ({"other": ("x.png", PICTURE)}, 400),
        ({"file": ("x.png", b"")}, 400),
    ):
        answer = session.post(url, files=files, timeout=10)
        assert answer.status_code == status
    assert answer.json()["data"].keys() == {"content"}


@pytest.mark.parametrize(("convert", "body", "field"), [
    ("mms", {}, "content"),
    ("mms", {"content": "not base64!"}, "content"),
    ("mms", {"content": "ü"}, "content"),
    ("gif", CONTENT, "convert"),
    (None, CONTENT, "convert"),
])  # fmt: skip
def test_wrong_uploads(call, convert, body, field):
    params = {"convert": convert} if convert else None
    assert call("POST", "/uploads", body, params=params, status=400).keys() == {field}
