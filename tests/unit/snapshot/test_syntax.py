"""What a module may not do though OPA would take it. The trees are OPA's own, from a worker."""

import asyncio
from collections.abc import Mapping

import pytest

from snapshot.engine.process import Worker
from snapshot.located import Problem
from snapshot.syntax import Module, check, complaints


def parsed(sources: Mapping[str, str]) -> list[Module]:
    async def run() -> list[Module]:
        async with Worker.running() as worker:
            return [Module(path, source, await worker.parse(path, source)) for path, source in sources.items()]

    return asyncio.run(run())


def problems(source: str, path: str = "p.rego", **others: str) -> list[str]:
    modules = parsed({path: source, **{f"{name}.rego": text for name, text in others.items()}})
    functions: dict[tuple[str, ...], set[str]] = {}
    for module in modules:
        functions.setdefault(module.package, set()).update(module.names())
    return [str(problem) for problem in check(modules[0], functions)]


SEND = '{"url": "http://x", "method": "get"}'


@pytest.mark.parametrize(
    ("body", "line", "name"),
    [
        (f"a := http.send({SEND})", 3, "http.send"),
        (f'a := http["send"]({SEND})', 3, "http.send"),
        (f"a := x if {{\n  x := http.send({SEND}).status\n}}", 4, "http.send"),
        (f"a if http.send({SEND}).status == 200", 3, "http.send"),
        (f"a contains x if some x in http.send({SEND}).body", 3, "http.send"),
        (f"a := [x | x := http.send({SEND})]", 3, "http.send"),
        (f"a := {{1: http.send({SEND})}}", 3, "http.send"),
        (f"a if every x in [1] {{\n  http.send({SEND}).status == x\n}}", 4, "http.send"),
        (f"a if {{ false }} else := http.send({SEND})", 3, "http.send"),
        (f'a := $"{{http.send({SEND}).status}}"', 3, "http.send"),
        (f"a := x if {{ x := lower({SEND}) with lower as http.send }}", 3, "http.send"),
        ("f(x) := y if y := opa.runtime()", 3, "opa.runtime"),
        ("a := opa.runtime().env", 3, "opa.runtime"),
        ('a := net.lookup_ip_addr("x")', 3, "net.lookup_ip_addr"),
        ('a := rand.intn("x", 3)', 3, "rand.intn"),
        ('a := uuid.rfc4122("x")', 3, "uuid.rfc4122"),
        ("a := time.now_ns()", 3, "time.now_ns"),
        ('a := json.match_schema({}, {"$ref": "http://x"})', 3, "json.match_schema"),
        ('a := rego.parse_module("a", input.x)', 3, "rego.parse_module"),
        ('a if print("x", input)', 3, "print"),
        ("a if trace(input.x)", 3, "trace"),
        ("a := io.jwt.decode_verify(input.t, {})", 3, "io.jwt.decode_verify"),
        ("a := crypto.md5(input.x)", 3, "crypto.md5"),
    ],
)
def test_a_builtin_off_the_list_is_refused_wherever_it_stands(body: str, line: int, name: str) -> None:
    (problem,) = problems(f"package p\n\n{body}\n")
    assert problem.startswith(f"p.rego:{line}: ")
    assert f"`{name}`" in problem


def test_a_name_in_a_comment_or_a_text_is_none() -> None:
    source = 'package p\n\n# time.now_ns() is not used\na := "http.send(x)"\nb := x if { x := input["http.send"] }\n'
    assert problems(source) == []


def test_the_line_is_that_of_the_code_not_of_the_comment() -> None:
    (problem,) = problems("package p\n\n# no time.now_ns here\n\na := time.now_ns()\n")
    assert problem.startswith("p.rego:5: ")


def test_functions_of_the_repository_are_called_freely() -> None:
    source = """package p

import data.lib
import data.lib.deep as other

f(x) := lower(x)
time_of(x) := x.time
a := f("A")
b := lib.f("A")
c := other.g("A")
d := data.lib.f("A")
e := time_of({"time": 1})
h := elsewhere("A")
"""
    assert problems(source, lib="package lib\n\nf(x) := x\n", more="package p\n\nelsewhere(x) := x\n") == []


def test_a_rule_named_like_a_builtins_family_does_not_open_it() -> None:
    (problem,) = problems(f"package p\n\nhttp := 1\na := http.send({SEND})\n")
    assert "`http.send`" in problem


def test_a_function_that_nobody_knows_is_refused() -> None:
    (problem,) = problems("package p\n\na := future.builtin(1)\n")
    assert "neither a function of this repository nor on the list" in problem


def test_tests_may_print() -> None:
    source = 'package p\n\ntest_x if {\n  print("here")\n}\n'
    assert problems(source, "p_test.rego") == []
    assert len(problems(source, "p.rego")) == 1


def test_opas_own_documents_cannot_be_written() -> None:
    (problem,) = problems("package system.log\n\nmask contains 1\n")
    assert problem.startswith("p.rego:1: ")
    (problem,) = problems('package snapshot\n\ndigest := "sha256:x"\n')
    assert problem.startswith("p.rego:1: ")


def test_schema_annotations_are_refused() -> None:
    source = "package p\n\n# METADATA\n# schemas:\n# - input: {$ref: http://x}\na := 1\n"
    assert problems(source) == ["p.rego:4: `schemas` annotations are not allowed"]


def test_tests_are_found_in_order_and_once() -> None:
    source = "package p\n\ntest_b if true\ntest_a if true\ntest_b if false\ntodo_test_c if true\nhelper if true\n"
    (module,) = parsed({"p_test.rego": source})
    assert module.tests() == ["test_b", "test_a"]
    assert module.package == ("p",)
    assert module.is_test


def test_opas_complaints_keep_their_places() -> None:
    text = (
        "bundle activation failed: 2 errors occurred:\n"
        "a/p.rego:5: rego_unsafe_var_error: var x is unsafe\n"
        "q.rego:7: rego_type_error: undefined function nope\n\tnope(1)\n\t^"
    )
    assert complaints(text, "f") == [
        Problem("a/p.rego", 5, "rego_unsafe_var_error: var x is unsafe"),
        Problem("q.rego", 7, "rego_type_error: undefined function nope"),
    ]
    assert complaints("1 error occurred: p.rego:2: rego_parse_error: no", "f") == [
        Problem("p.rego", 2, "rego_parse_error: no")
    ]
    assert complaints("something else", "f") == [Problem("f", 0, "something else")]
