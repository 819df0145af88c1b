"""What an exchange is charged for, by how it ended. Pure.

Nothing, if nothing left. What left counts, whatever came back: one request and its bytes. Tokens are the provider's
own; where an answer that it bills does not say them (cut, client gone, no usage field), they are estimated and
`estimated` says so: the prompt as authz estimated it, the answer by its characters. An answer of an error status, or of
Envoy itself, that says nothing is taken to cost nothing.
"""

from dataclasses import dataclass

from audit.write.event import Value
from extproc.meter import Meter
from extproc.record import Exchange, Outcome
from snapshot.verdict import Verdict
from usage import Amounts

ERROR = 400


@dataclass(frozen=True, slots=True)
class Spent:
    amounts: Amounts
    estimated: bool = False

    def to_facts(self) -> dict[str, Value]:
        found = self.amounts
        return {
            "requests": found.requests,
            "input_tokens": found.input_tokens,
            "output_tokens": found.output_tokens,
            "rows": found.rows,
            "values": found.values,
            "estimated": self.estimated,
        }


def generates(verdict: Verdict) -> bool:
    """Whether a model is asked, who counts tokens."""
    return verdict.action.startswith("llm.")


def spent(exchange: Exchange, meter: Meter | None, outcome: Outcome) -> Spent:
    """`meter`: None while no answer has begun."""
    if not exchange.sent or exchange.verdict is None:
        return Spent(Amounts())
    billed = generates(exchange.verdict) and exchange.upstream_status < ERROR
    prompt = exchange.verdict.prompt_tokens
    told_in = meter.input_tokens if meter else None
    told_out = meter.output_tokens if meter else None
    said = meter.said if meter else 0
    came_in, came_out = told_in or 0, told_out or 0
    estimated = meter.rows_estimated if meter else False
    if billed and told_in is None:
        came_in, estimated = prompt, True
    if billed and (told_out is None or outcome is not Outcome.ANSWERED):
        came_out, estimated = max(came_out, said), True
    return Spent(
        Amounts(
            requests=1,
            input_tokens=came_in,
            output_tokens=came_out,
            request_bytes=exchange.request_bytes,
            response_bytes=exchange.response_bytes,
            rows=meter.rows if meter else 0,
            values=len(exchange.tokens),
        ),
        estimated,
    )
