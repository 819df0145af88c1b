"""Holding an answer of a model at the call of a tool. Pure.

A policy names tools (`tools.hold`). The answer flows until a call of one of them begins; from there on everything is
kept, in a bounded buffer, while each held call is shown to people as soon as it is whole. When the answer of the model
is over and every held call is answered, what was kept goes: as it came where the calls were granted, with a sentence
in place of the call where they were refused, and with the stop reason that belongs to what is left. An accumulator of
the vendor's SDK never sees half of a block.

`gate.py`      what is kept, asked, answered and let go; the same for every API
`anthropic.py`, `chat.py`, `responses.py`   what a call looks like in the events of each API, and what a refused one
`whole.py`     the same for answers that are one JSON document
`kept.py`      both in one form, for who lets answers go
`asking.py`    the approval of each call: asked for, waited for, used once
"""

from extproc.tools.call import Call, CallsUnreadable, KeptTooLong
from extproc.tools.gate import Gate, gate_for
from extproc.tools.kept import Kept, keep
from extproc.tools.whole import Document

__all__ = ["Call", "CallsUnreadable", "Document", "Gate", "Kept", "KeptTooLong", "gate_for", "keep"]
