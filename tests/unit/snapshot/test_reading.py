"""What a rule read: real traces of the real library, over small modules."""

import json
from typing import Any

from snapshot.engine.process import Worker
from snapshot.reading import MAX_VALUE, readings

MODULE = """package exeat

import data.exeat.reason

limits := data.limits[input.tier]

is_read if input.request.method in {"GET", "HEAD"}

is_known if {
	some role in data.roles
	input.who in role.members
}

reason(annotations, message) := {"rule": annotations.custom.rule, "message": message}

# METADATA
# title: Too much
# custom:
#   rule: too_much
deny contains reason(rego.metadata.rule(), "Too much.") if {
	not is_read
	is_known
	input.amount > limits.most
}

# METADATA
# title: Never
# custom:
#   rule: never
deny contains reason(rego.metadata.rule(), "Never.") if input["odd key"] == "x"

decision := {"reasons": [reason | some reason in deny]}
"""
DATA: dict[str, Any] = {
    "limits": {"low": {"most": 10}},
    "roles": {"r": {"members": ["ada"]}},
    "secret": {"not": "read"},
}


async def read(given: dict[str, Any], data: dict[str, Any] | None = None) -> dict[str, dict[str, str]]:
    known = data or DATA
    async with Worker.running() as worker:
        await worker.load({"p.rego": MODULE}, known, warm=[["exeat", "decision"]])
        body = json.dumps({"input": given}).encode()
        answer = await worker.evaluate(["exeat", "decision"], body, seconds=20, trace=True)
    rules = [reason["rule"] for reason in answer.value["reasons"]]
    return readings(answer.trace or [], {"p.rego": MODULE}, rules, given, known)


async def test_a_rule_read_what_it_and_the_rules_under_it_name() -> None:
    given = {"tier": "low", "amount": 11, "who": "ada", "request": {"method": "POST"}, "unread": 1}
    assert await read(given) == {
        "too_much": {
            "data.limits": '{"low":{"most":10}}',
            "data.roles": '{"r":{"members":["ada"]}}',
            "input.amount": "11",
            "input.request.method": '"POST"',
            "input.tier": '"low"',
            "input.who": '"ada"',
        }
    }


async def test_what_was_not_there_is_said_and_odd_keys_are_read() -> None:
    given = {"tier": "low", "amount": 11, "who": "ada", "odd key": "x"}
    found = await read(given)
    assert found["too_much"]["input.request.method"] == "nothing"
    assert found["never"] == {'input["odd key"]': '"x"'}


async def test_a_long_value_is_cut() -> None:
    given = {"tier": "low", "amount": 11, "who": "ada"}
    found = await read(given, {**DATA, "roles": {"r": {"members": ["ada", "x" * 500]}}})
    assert len(found["too_much"]["data.roles"]) == MAX_VALUE
    assert found["too_much"]["data.roles"].endswith("…")


async def test_no_rule_read_nothing() -> None:
    assert await read({"tier": "low", "amount": 1, "who": "ada"}) == {}
