"""What a verification found, and how it is told."""

from dataclasses import dataclass, field
from enum import StrEnum

from runtime.errors import Error

MAX_KEPT = 1000  # findings kept in full; a table of forged rows must not fill the examiner's memory


class CannotVerify(Error):
    """The evidence cannot even be read: wrong folder, no key, no answer. Says nothing about the evidence itself."""

    code = "cannot_verify"


class Flaw(StrEnum):
    EDITED = "edited"  # the event is there, its content is not what was signed
    MISSING = "missing"
    REORDERED = "reordered"
    DUPLICATED = "duplicated"
    FORGED = "forged"  # an event, frame or checkpoint that the log never had
    CUT_OFF = "cut off"  # the end of the log is gone
    ROLLED_BACK = "rolled back"  # the log as a whole is older, or another, than a checkpoint of it
    FRAME = "frame"  # a frame is not what its event names
    SIGNATURE = "signature"  # an approver's own signature that is not there, or not one over their answer
    EPOCH = "epoch"  # a start that does not name what came before it


@dataclass(frozen=True, slots=True)
class Finding:
    flaw: Flaw
    message: str
    log_index: int | None = None
    writer: str = ""
    seq: int | None = None

    def __str__(self) -> str:
        place = [f"log index {self.log_index}"] if self.log_index is not None else []
        place += [f"{self.writer} seq {self.seq}"] if self.seq is not None else [self.writer] if self.writer else []
        return f"{self.flaw.value.upper()}: {', '.join(place)}{': ' if place else ''}{self.message}"

    def order(self) -> tuple[int, str, int]:
        return (2**63 if self.log_index is None else self.log_index, self.writer, self.seq or 0)


@dataclass(slots=True)
class Report:
    """`findings` in log order; the first one is the first record that is wrong."""

    subject: str  # what was verified, e.g. a URL or a folder
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    events: int = 0
    frames: int = 0
    writers: dict[str, tuple[int, int]] = field(default_factory=dict)  # first and last sequence seen
    checkpoints: int = 0  # whose signature and root were confirmed
    confirmed_size: int = 0  # entries under the largest of them
    total_findings: int = 0
    signatures: int = 0  # of approvers, that were checked
    unproved: int = 0  # answers that rest on what is not there any more

    @property
    def ok(self) -> bool:
        return self.total_findings == 0

    def add(self, finding: Finding) -> None:
        self.total_findings += 1
        if len(self.findings) < MAX_KEPT:
            self.findings.append(finding)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def merge(self, other: "Report") -> None:
        """Adds what another verification of the same evidence found."""
        self.findings += other.findings
        self.total_findings += other.total_findings
        self.events += other.events
        self.frames += other.frames
        self.checkpoints += other.checkpoints
        self.signatures += other.signatures
        self.unproved += other.unproved
        self.confirmed_size = max(self.confirmed_size, other.confirmed_size)
        self.writers.update(other.writers)
        for text in other.notes:
            self.note(text)

    def sort(self) -> None:
        self.findings.sort(key=Finding.order)

    def signed(self) -> str:
        """What of it is signed, in words."""
        mine = f"; {self.signatures} signatures of approvers checked" if self.signatures else ""
        return f"{self.checkpoints} checkpoints confirmed, the largest over {self.confirmed_size} entries{mine}"

    def lines(self) -> list[str]:
        """For a terminal: the verdict first."""
        counts = f"{self.events} events of {len(self.writers)} writers, {self.frames} frames"
        signed = self.signed()
        if self.ok:
            but = f", but {self.unproved} signed answers could not be proved" if self.unproved else ""
            return [f"OK{but}: {self.subject}: {counts}; {signed}", *(f"note: {note}" for note in self.notes)]
        head = f"FAILED: {self.subject}: {self.total_findings} findings in {counts}; {signed}"
        return [head, *(str(finding) for finding in self.findings), *(f"note: {note}" for note in self.notes)]

    def as_dict(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "subject": self.subject,
            "events": self.events,
            "frames": self.frames,
            "writers": {writer: list(span) for writer, span in sorted(self.writers.items())},
            "checkpoints": self.checkpoints,
            "confirmed_size": self.confirmed_size,
            "signatures": self.signatures,
            "unproved": self.unproved,
            "total_findings": self.total_findings,
            "findings": [
                {
                    "flaw": finding.flaw.value,
                    "log_index": finding.log_index,
                    "writer": finding.writer,
                    "seq": finding.seq,
                    "message": finding.message,
                }
                for finding in self.findings
            ],
            "notes": self.notes,
        }
