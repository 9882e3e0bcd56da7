"""ClickSend's own SDK, run by its own interpreter: its package is called `clicksend`, as ours is.

Started by `official_client`; reads a JSON object a line, and answers each with a line.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qsl, urlsplit

from clicksend.exceptions import ApiException
from pydantic import BaseModel, TypeAdapter, ValidationError

import clicksend

MARK = re.compile(r"~(\w+)~")
VARIANTS = ("_with_http_info", "_without_preload_content")


class Client(clicksend.ApiClient):
    """Notes what was answered, and what of it the models refuse."""

    status = 0
    answer: Any = None
    refused: tuple[str, ...] = ()

    def response_deserialize(self, response_data: Any, response_types_map: Any = None) -> Any:
        self.status, self.answer = response_data.status, json.loads(response_data.data)
        try:
            return super().response_deserialize(response_data, response_types_map)
        except ValidationError as wrong:
            self.refused = errors(wrong)
            model = getattr(clicksend, response_types_map[str(self.status)])
            try:
                model.model_validate(self.answer)  # names all that is wrong, and where
            except ValidationError as all_wrong:
                self.refused = errors(all_wrong)
            raise


@dataclass
class Operation:
    """A method of the SDK.

    Attributes:
        api: The class.
        name: The method.
        verb: GET, POST, PUT or DELETE.
        path: Below `/v3`, with its placeholders.
        query: The method's parameters by their names in the query string.
        body: The model of the body, None without one.
        body_name: The method's parameter for it.
        kinds: The types of all parameters.
    """

    api: type[Any]
    name: str
    verb: str
    path: str
    query: dict[str, str]
    body: type[BaseModel] | None
    body_name: str | None
    kinds: dict[str, Any]

    @classmethod
    def of(cls, api: type[Any], name: str) -> Operation:
        """Serialize marks in place of values, and see where they come out."""
        serialize = getattr(api(clicksend.ApiClient(clicksend.Configuration())), f"_{name}_serialize")
        marks = {
            one: None if one.startswith("_") else f"~{one}~"
            for one in inspect.signature(serialize).parameters
        }
        verb, url, _, body, _ = serialize(**marks | {"_host_index": 0})
        address = urlsplit(url)
        path = MARK.sub(r"{\1}", address.path).removeprefix("/v3")
        query = {wire: MARK.sub(r"\1", value) for wire, value in parse_qsl(address.query)}
        kinds = get_type_hints(inspect.unwrap(getattr(api, name)), include_extras=True)
        body_name = MARK.sub(r"\1", body) if isinstance(body, str) else None
        return cls(api, name, verb, path, query, models(kinds.get(body_name)), body_name, kinds)

    def call(self, url: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call the method; tell the status, the answer, and what its models refuse."""
        settings = clicksend.Configuration(host=url, username="sandbox", password="sandbox-key")
        client = Client(settings)
        try:
            if self.body and self.body_name in arguments:
                arguments[self.body_name] = self.body.from_dict(arguments[self.body_name])
            getattr(self.api(client), self.name)(**arguments)
        except (ValidationError, ApiException) as wrong:
            if not client.status:  # it did not get so far as to ask
                client.answer = str(wrong)
        return {"status": client.status, "answer": client.answer, "refused": client.refused}

    def strange(self, path: str, query: dict[str, str], body: Any) -> list[str]:
        """Name what the SDK could not have sent."""
        found = []
        values = re.fullmatch(pattern(self.path), path)
        assert values
        for name, text in values.groupdict().items():
            if not fits(self.kinds[name], text):
                found.append(f"path {name}")
        for wire, text in query.items():
            if wire not in self.query:
                found.append(f"query {wire}")
            elif not fits(self.kinds[self.query[wire]], text):
                found.append(f"query {wire}: {text!r}")
        if body is not None:
            found += strange_fields(self.body, body)
        return found


def models(kind: Any) -> Any:
    """Return the model in an annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next(filter(None, map(models, get_args(kind))), None)


def fits(kind: Any, text: str) -> bool:
    """Whether a parameter of this type comes out as this text."""
    for value in (text, int(text) if re.fullmatch("-?[0-9]+", text) else text):
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
        return True
    return False


def strange_fields(model: type[BaseModel] | None, body: Any) -> list[str]:
    """Name the fields that a model has not, then what it refuses of the others."""
    if not model:
        return [f"body.{name}" for name in body]
    found = list(unknown_fields(model, body, "body"))
    try:
        model.from_dict(body)
    except ValidationError as wrong:
        found += errors(wrong)
    return found


def unknown_fields(model: Any, value: Any, place: str) -> Any:
    if isinstance(value, list):
        for one in value:
            yield from unknown_fields(model, one, f"{place}[]")
    elif model and isinstance(value, dict):
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        for name, inner in value.items():
            if name not in fields:
                yield f"{place}.{name}"
            else:
                yield from unknown_fields(models(fields[name]), inner, f"{place}.{name}")


def errors(wrong: ValidationError) -> tuple[str, ...]:
    """Say where a model refuses what: indexes are left out, and so are values."""
    found = set()
    for error in wrong.errors():
        place = ".".join("[]" if isinstance(one, int) else one for one in error["loc"])
        found.add(f"{wrong.title} {place}".rstrip() + f": {error['type']}")
    return tuple(sorted(found))


def pattern(path: str) -> str:
    """Match a path, with a slash at its end or without, as the examples in the SDK's own texts have it."""
    return re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path.removesuffix("/")) + "/?"


OPERATIONS = [
    Operation.of(api, name)
    for api_name, api in vars(clicksend).items()
    if api_name.endswith("Api")
    for name, _ in inspect.getmembers(api, inspect.isfunction)
    if not name.startswith("_") and not name.endswith(VARIANTS)
]


def methods() -> list[list[str]]:
    """List the methods with their verbs and paths."""
    return [[one.name, one.verb, one.path] for one in OPERATIONS]


def call(method: str, **rest: Any) -> dict[str, Any]:
    """Call a method."""
    (operation,) = (one for one in OPERATIONS if one.name == method)
    return operation.call(**rest)


def strange(verb: str, path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
    """Build a request; name what does not fit, an unknown path as `path`."""
    fitting = [one for one in OPERATIONS if one.verb == verb and re.fullmatch(pattern(one.path), path)]
    if not fitting:
        return {"path": None, "strange": ["path"]}
    one = min(fitting, key=lambda one: one.path.count("{"))
    return {"path": one.path, "strange": one.strange(path, query, body)}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(globals()[order.pop("do")](**order)), flush=True)  # noqa: T201, the answer
