"""Messages that wait to be sent: in memory for one batch, or on disk until all of them are priced."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from target_clicksend import scratch
from target_clicksend.messages.message import Message

OF_KEY = "SELECT message FROM messages WHERE key = ? ORDER BY number"
OF_CUSTOM_STRING = "SELECT message FROM messages WHERE ?1 IS NULL OR custom_string = ?1 ORDER BY number"

_short = "{:.200}".format
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Message).decode


class Batch:
    """Messages in memory, in order of arrival."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self._messages)

    def add(self, message: Message) -> None:
        """Add a message, or replace it; rows come in the order of their numbers."""
        self._messages[message.row.number] = message

    def remove(self, message: Message) -> None:
        """Remove a message."""
        self._messages.pop(message.row.number, None)

    def of_custom_string(self, custom_string: str | None) -> list[Message]:
        """Return the messages that carry a custom_string, blanks around it aside; all of them for None."""
        return [
            message
            for message in self._messages.values()
            if custom_string is None or (message.custom_string or "").strip() == custom_string.strip()
        ]

    def of_key(self, key: str) -> list[Message]:
        """Return the messages of a key."""
        return [message for message in self._messages.values() if message.row.key == key]

    def batches(self, size: int) -> Iterator[list[Message]]:
        """Yield all messages, so many at once; those of a batch may be removed meanwhile."""
        messages = list(self._messages.values())
        for start in range(0, len(messages), size):
            yield messages[start : start + size]


class Spool:
    """The same on disk, for any number of messages."""

    def __init__(self) -> None:
        self._database = scratch.database()
        self._database.execute(
            "CREATE TABLE messages (number INTEGER PRIMARY KEY, key TEXT, custom_string TEXT, message BLOB)"
        )
        self._database.execute("CREATE INDEX keys ON messages (key)")
        self._database.execute("CREATE INDEX custom_strings ON messages (custom_string)")

    def __len__(self) -> int:
        """Return the number of messages."""
        (count,) = self._database.execute("SELECT count(*) FROM messages").fetchone()
        return int(count)

    def add(self, message: Message) -> None:
        """Add a message, or replace it; rows come in the order of their numbers."""
        custom_string = _short((message.custom_string or "").strip())
        values = (message.row.number, _short(message.row.key), custom_string, _encode(message))
        self._database.execute("REPLACE INTO messages VALUES (?, ?, ?, ?)", values)

    def remove(self, message: Message) -> None:
        """Remove a message."""
        self._database.execute("DELETE FROM messages WHERE number = ?", (message.row.number,))

    def of_custom_string(self, custom_string: str | None) -> list[Message]:
        """Return the messages that may carry a custom_string, by its first letters; all of them for None."""
        wanted = None if custom_string is None else _short(custom_string.strip())
        return self._found(OF_CUSTOM_STRING, wanted)

    def of_key(self, key: str) -> list[Message]:
        """Return the messages of a key."""
        return self._found(OF_KEY, _short(key))

    def batches(self, size: int) -> Iterator[list[Message]]:
        """Yield all messages, so many at once; those of a batch may be removed meanwhile."""
        last = 0
        query = "SELECT number, message FROM messages WHERE number > ? ORDER BY number LIMIT ?"
        while rows := self._database.execute(query, (last, size)).fetchall():
            last = rows[-1][0]
            yield [_decode(message) for _, message in rows]

    def _found(self, query: str, value: str | None) -> list[Message]:
        return [_decode(message) for (message,) in self._database.execute(query, (value,)).fetchall()]
