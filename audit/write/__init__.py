"""How a service makes an event durable before it acts on it.

`Recorder.record(*drafts)` returns after the fsync; until then nothing may take effect. `Spool` is the real one,
`MemoryRecorder` its fake. approvals, whose state and events share one file, calls `install` once and then `append`
inside its own transaction.
"""

from audit.write.event import Caller, Draft, EventInvalid, EventTooLarge, Frame, Kind, Span, Value, canonical, shortened
from audit.write.memory import MemoryRecorder
from audit.write.spool import Recorder, Spool, open_spool
from audit.write.tables import (
    SpoolDown,
    SpoolFull,
    SpoolLocked,
    SpoolRolledBack,
    acknowledged,
    append,
    beat,
    finish,
    install,
    trim,
)

__all__ = [
    "Caller",
    "Draft",
    "EventInvalid",
    "EventTooLarge",
    "Frame",
    "Kind",
    "MemoryRecorder",
    "Recorder",
    "Span",
    "Spool",
    "SpoolDown",
    "SpoolFull",
    "SpoolLocked",
    "SpoolRolledBack",
    "Value",
    "acknowledged",
    "append",
    "beat",
    "canonical",
    "finish",
    "install",
    "open_spool",
    "shortened",
    "trim",
]
