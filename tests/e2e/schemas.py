"""The JSON schemas of docs/schemas: as much of JSON Schema as they use; the rest is refused."""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs/schemas"
KNOWN = {
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "pattern",
    "minimum",
    "required",
    "properties",
    "additionalProperties",
    "items",
}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}


def check(value, schema, root, where):
    unknown = set(schema) - KNOWN
    assert not unknown, f"schema keywords that this checker does not know: {unknown}"
    if "$ref" in schema:
        check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        is_type = any(isinstance(value, TYPES[name]) for name in names)
        assert is_type and ("integer" not in names or not isinstance(value, bool)), where
    if "const" in schema:
        assert value == schema["const"], f"{where}: {value!r}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), f"{where}: {value!r}"
    if "minimum" in schema:
        assert value >= schema["minimum"], where
    for name in schema.get("required", []):
        assert name in value, f"{where} lacks {name}"
    if isinstance(value, dict):
        for name, member in value.items():
            known = schema.get("properties", {}).get(name)
            if known is not None:
                check(member, known, root, f"{where}.{name}")
            else:
                assert schema.get("additionalProperties", True), f"{where}.{name} is unknown"
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            check(item, schema["items"], root, f"{where}[{i}]")


def valid(text, name):
    """The document in text, after it was held against docs/schemas/<name>.json."""
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    document = json.loads(text)
    check(document, schema, schema, name)
    return document
