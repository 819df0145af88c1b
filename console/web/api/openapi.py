"""The OpenAPI 3.1 document, made of the operations and their models. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from console.web.api.models import Refusal
from console.web.api.operation import PREFIX, Operation

REFERENCE = "#/components/schemas/{model}"
REFUSALS = {
    400: "Malformed, or refused as asked",
    401: "No token of a person, or one that is not accepted",
    403: "Signed in, but not as one who may",
    404: "Nothing of that name, or not for your eyes",
    409: "Its state does not allow it (any more)",
    413: "A body above 1 MiB",
    415: "A body that is not JSON",
    503: "A part of the gateway gives no answer",
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    models = {model for each in operations for model in (each.answer, each.body, each.query) if model} | {Refusal}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=REFERENCE)
    paths: dict[str, Any] = {}
    for each in operations:
        paths.setdefault(PREFIX + each.path, {})[each.method.lower()] = _operation(each)
    scheme = {"type": "http", "scheme": "bearer", "description": "A person's token, as `exeat token` gets it."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Exeat", "version": version, "description": "The console's acts, for programs."},
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"person": scheme}},
        "security": [{"person": []}],
    }


def _operation(each: Operation) -> dict[str, Any]:
    answers = {"200": _answer("As asked", each.answer)}
    answers |= {str(status): _answer(text, Refusal) for status, text in REFUSALS.items()}
    told: dict[str, Any] = {"operationId": each.name, "summary": each.summary, "responses": answers}
    told["description"] = f"For: {', '.join(sorted(each.roles))}."
    if parameters := [*_in_path(each.path), *_in_query(each.query)]:
        told["parameters"] = parameters
    if each.body:
        told["requestBody"] = {"required": True, "content": _json(each.body)}
    return told


def _in_path(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": r"^[0-9A-Za-z._-]{1,200}$"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in re.findall(r"{(\w+)}", path)]


def _in_query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    properties = model.model_json_schema()["properties"] if model else {}
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]


def _answer(text: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, "content": _json(model)}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}
