"""OpenAPI from the records' own types: one source of truth for what is sent and what is documented.

The surprise: answers are encoded by msgspec and never pass FastAPI's models; their schemas are put into the document here.
"""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

REFERENCE = "#/components/schemas/{name}"


class Problem(msgspec.Struct, frozen=True):
    """Why an answer can't be given."""

    detail: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"description": "Not known here"},
    503: {"description": "The live view can't be read; try again"},
}


def responses(schema: dict[str, Any], description: str, media_type: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: the answer's schema and the problems."""
    problem = {"content": {"application/json": {"schema": reference(Problem)}}}
    problems = {status: {**text, **problem} for status, text in PROBLEMS.items()}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}, **problems}


def reference(kind: type) -> dict[str, Any]:
    """A pointer to the schema of a record."""
    return {"$ref": REFERENCE.format(name=kind.__name__)}


def list_of(kind: type) -> dict[str, Any]:
    """The schema of a list of records."""
    return {"type": "array", "items": reference(kind)}


def document(app: FastAPI, kinds: tuple[type, ...]) -> dict[str, Any]:
    """The OpenAPI document with the schemas of `kinds` and of all that they contain."""
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    _, components = msgspec.json.schema_components((*kinds, Problem), ref_template=REFERENCE)
    found.setdefault("components", {}).setdefault("schemas", {}).update(components)
    return found
