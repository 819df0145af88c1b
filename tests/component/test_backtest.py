"""Recorded inputs through real workers, in order, also past inputs that never end."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from snapshot import bundle as bundles
from snapshot import repository
from snapshot.backtest import BATCH, Recorded, Tally, redecide
from snapshot.sample import STRANGER, merged
from tests.kit.engine import SLOW
from tests.kit.policies import FILES, changed

STARTER = Path(__file__).resolve().parents[2] / "policies"


def asked(number: int, given: Any, effect: str = "allow", rules: tuple[str, ...] = ("by_name",)) -> Recorded:
    content = json.dumps(given).encode()
    return Recorded(f"e-{number}", "", "ada", "plain", effect, rules, ("pci",), content)


async def run(
    bundle: bundles.Bundle, *batches: Sequence[Recorded], workers: int = 2, deadline_s: float = 5
) -> list[Any]:
    async def given() -> AsyncIterator[Sequence[Recorded]]:
        for batch in batches:
            yield batch

    return [pair async for pair in redecide(bundle, given(), workers=workers, deadline_s=deadline_s)]


def small(changes: dict[str, str] | None = None) -> bundles.Bundle:
    files = {**FILES, **(changes or {})}
    return bundles.make(repository.Repository({path: text.encode() for path, text in sorted(files.items())}))


async def test_all_come_back_in_order_whatever_the_batches() -> None:
    names = ["ada" if number % 3 else "eve" for number in range(BATCH * 2 + 7)]
    records = [asked(number, {"identity": {"subject": name}}) for number, name in enumerate(names)]
    found = await run(small(), records[:5], [], records[5:])
    assert [one.exchange for one, _ in found] == [one.exchange for one in records]
    assert [now.effect for _, now in found] == ["allow" if name == "ada" else "deny" for name in names]


SLOW_FOR_SOME = changed(
    "p.rego", '== "ada"\n', f'== "ada"\n\tnot slow\n}}\n\nslow if {{\n\tinput.slow\n\t{SLOW} > 0\n}}\n'
)
SLOW_FOR_SOME = {
    name: text.replace("if input.identity", "if {\n\tinput.identity") for name, text in SLOW_FOR_SOME.items()
}


def crowd(size: int, slow: int) -> list[Recorded]:
    """Inputs of which one is slow to decide."""
    return [
        asked(number, {"identity": {"subject": "ada"}, **({"slow": True} if number == slow else {})})
        for number in range(size)
    ]


async def test_an_input_that_never_ends_is_found_and_the_others_are_decided() -> None:
    found = await run(small(SLOW_FOR_SOME), crowd(5, 2), deadline_s=0.2)
    assert [now.effect for _, now in found] == ["allow", "allow", "refused", "allow", "allow"]
    assert found[2][1].why == "engine_slow"


async def test_an_input_that_would_be_too_slow_for_the_gateway_is_refused_even_if_it_ends() -> None:
    found = await run(small(SLOW_FOR_SOME), crowd(40, 3), deadline_s=0.2)
    assert [number for number, (_, now) in enumerate(found) if now.effect == "refused"] == [3]


async def test_what_is_no_input_or_no_decision_is_refused() -> None:
    broken = Recorded("e", "", "ada", "plain", "allow", (), (), b"{")
    failing = changed("p.rego", '== "ada"', "== to_number(input.number)")
    found = await run(small(failing), [broken, asked(1, {"identity": {"subject": 1}, "number": "x"})])
    assert [(now.effect, now.why) for _, now in found] == [("refused", "invalid_input"), ("refused", "eval_error")]


async def test_the_starter_against_a_stricter_one(tmp_path: Path) -> None:
    """A model leaves the tier: every call of it turns, nothing else does."""
    starter = repository.read(STARTER)
    models = starter.text("data/models.yaml")
    assert '"claude-haiku-*", ' in models
    stricter = repository.Repository(
        {**starter.files, "data/models.yaml": models.replace('"claude-haiku-*", ', "").encode()}
    )
    inputs = [_generation(model) for model in ("claude-haiku-4-5", "claude-sonnet-4-5", "gpt-5") for _ in range(40)]
    blank = [asked(number, given, "", ()) for number, given in enumerate(inputs)]
    before = [
        Recorded(one.exchange, "", "research-agent", "x", now.effect, now.rules, now.masking, one.content)
        for one, now in await run(bundles.make(starter), blank)
    ]
    tally = Tally()
    for pair in await run(bundles.make(stricter), before):
        tally.add(*pair)
    assert (tally.decided, tally.same, tally.changed) == (120, 80, 40)
    assert dict(tally.turns) == {"allow → deny": 40}
    assert dict(tally.by_rule) == {"model_tier": 40}


def _generation(model: str) -> dict[str, Any]:
    kind = "anthropic" if model.startswith("claude") else "openai"
    given: dict[str, Any] = merged(
        STRANGER,
        {
            "identity": {"groups": ["research"]},
            "connection": {"name": kind, "kind": kind},
            "action": {"kind": "llm.generate", "model": model, "max_tokens": 100, "prompt_tokens_estimate": 10},
        },
    )
    return given
