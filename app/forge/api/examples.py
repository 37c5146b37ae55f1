"""Examples of requests, answers and errors for every operation.

An answer's example is put together from its schema, field by field, by the words that
`example_values` has for the name of a field. What has none still gets something that keeps to the
schema, and is noted in `wordless`, which a test holds empty.
"""

from __future__ import annotations

import re
from typing import Any

from forge.api.example_problems import PROBLEMS
from forge.api.example_values import (
    BY_ENDING,
    BY_FORMAT,
    BY_TYPE,
    FIELDS,
    PARAMETERS,
    REQUESTS,
    TEXTS,
)
from forge.api.problems import MEDIA_TYPE
from forge.api.schemas import JSON

_CODE = re.compile(r"\((JQ\d+)\)")
_REF = "#/components/schemas/"


class Examples:
    """Examples by the schemas of components."""

    def __init__(self, components: dict[str, Any]) -> None:
        self._components = components
        self.wordless: set[str] = set()

    def add_to(self, path: str, operation: dict[str, Any]) -> None:
        """Gives an operation its examples."""
        for parameter in operation.get("parameters", []):
            parameter["example"] = self._parameter(path, parameter)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["example"] = self._request(content["schema"])
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if media_type == MEDIA_TYPE:
                    content["examples"] = self._problems(path, status, response["description"])
                elif media_type == JSON:
                    content["example"] = self._value(content["schema"], path)
                else:
                    content["example"] = self._word(TEXTS, media_type)

    def _word(self, words: dict[str, Any], *names: str) -> Any:
        for name in names:
            if name in words:
                return words[name]
        self.wordless.add(names[0])
        return "…"

    def _value(
        self, schema: dict[str, Any], owner: str, name: str = "", *, bare: bool = False
    ) -> Any:
        """A value that keeps to a schema; of a `bare` object only what it must have."""
        ending = next((text for text in BY_ENDING if name.endswith(text)), "")
        if f"{owner}.{name}" in FIELDS:
            return FIELDS[f"{owner}.{name}"]
        if "$ref" in schema:
            component = schema["$ref"].removeprefix(_REF)
            told = self._components[component]
            wanted = told.get("required", []) if bare else told["properties"]
            return {
                field: self._value(told["properties"][field], component, field) for field in wanted
            }
        if "anyOf" in schema and "$ref" in schema["anyOf"][0]:
            return self._value(schema["anyOf"][0], owner, name)
        if schema.get("type") == "array" and "$ref" in schema["items"]:
            return [self._value(schema["items"], owner, name)]
        if name in FIELDS:
            return FIELDS[name]
        if "examples" in schema:
            return schema["examples"][0]
        if ending:
            return BY_ENDING[ending]
        if "anyOf" in schema:
            return self._value(schema["anyOf"][0], owner, name)
        if schema.get("type") == "array":
            return [self._value(schema["items"], owner, name)]
        if schema.get("format") in BY_FORMAT:
            return BY_FORMAT[schema["format"]]
        if schema.get("type") in BY_TYPE:
            return BY_TYPE[schema["type"]]
        return self._word({}, f"{owner}.{name}")

    def _request(self, schema: dict[str, Any]) -> Any:
        (schema, *_) = schema.get("anyOf", [schema])
        name = schema["$ref"].removeprefix(_REF)
        if name in REQUESTS:
            return REQUESTS[name]
        self.wordless.add(f"the body {name}")
        return self._value(schema, name, bare=True)

    def _parameter(self, path: str, parameter: dict[str, Any]) -> Any:
        name = parameter["name"]
        for key in (f"{path.split('/')[1]}.{name}", name):
            if key in PARAMETERS:
                return PARAMETERS[key]
        self.wordless.add(f"the parameter {name} of {path}")
        return self._value(parameter["schema"], path, name)

    def _problems(self, path: str, status: str, description: str) -> dict[str, Any]:
        """An example for each code that a description names."""
        found = {}
        for code in _CODE.findall(description):
            if code not in PROBLEMS:
                self.wordless.add(f"the error {code}")
                continue
            name, title, detail, hint = PROBLEMS[code]
            value = {
                "type": f"urn:forge:problem:{name}",
                "title": title,
                "status": int(status),
                "detail": detail,
                "code": code,
                "name": name,
                "hint": hint,
                "instance": _filled(path),
                "errors": [],
            }
            # what other middleware adds to all problems keeps its place here
            told = self._components["Problem"]["properties"]
            more = {
                field: self._value(told[field], "Problem", field)
                for field in self._components["Problem"]["required"]
                if field not in value
            }
            found[name] = {"value": value | more}
        return found


def _filled(path: str) -> str:
    first = path.split("/")[1]

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return str(PARAMETERS.get(f"{first}.{name}", PARAMETERS.get(name, name)))

    return re.sub(r"{(\w+)}", value, path)
