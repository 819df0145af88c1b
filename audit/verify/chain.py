"""Following each writer's chain: gap-free sequence, each event naming the hash before it, epochs that join. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from audit.verify.body import Event
from audit.verify.findings import Finding, Flaw

ZERO = bytes(32)


@dataclass(slots=True)
class Link:
    """The last event seen of a writer. Hash and epoch are None if all that is known of it is that it was there."""

    seq: int = 0
    hash: bytes | None = ZERO
    epoch: int | None = 0
    log_index: int = -1
    accused: Finding | None = None  # a broken link before it; who is to blame shows with the next event


class Chains:
    """All writers' chains. `follow` takes events in log order and returns what is wrong, as soon as it is sure."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self.first: dict[str, int] = {}
        self._absent: dict[tuple[str, int], Finding] = {}  # missing so far; may still turn up out of order

    def follow(self, event: Event, hash_: bytes, log_index: int) -> list[Finding]:
        link = self.links.setdefault(event.writer, Link())
        self.first.setdefault(event.writer, event.seq)
        if event.seq <= link.seq:
            return self._late(event, hash_, log_index, link)
        found = self._settle(link, event)
        if event.seq > link.seq + 1:
            self._gap(link, event, log_index)
        elif link.hash is not None and event.prev != link.hash and not found:
            link.accused = self._accuse(event, log_index, link)
        found += self._epoch(event, log_index, link)
        link.seq, link.hash, link.epoch, link.log_index = event.seq, hash_, event.epoch, log_index
        return found

    def trust(self, event: Event, hash_: bytes, log_index: int) -> None:
        """Goes on from an event that is known to be the signed one, whatever was found about its row."""
        link = self.links.setdefault(event.writer, Link())
        self.first.setdefault(event.writer, event.seq)
        if event.seq > link.seq:
            link.accused = None
            link.seq, link.hash, link.epoch, link.log_index = event.seq, hash_, event.epoch, log_index

    def pass_over(self, writer: str, seq: int, log_index: int) -> None:
        """An event that was found to be another than the signed one, which is not at hand: its place is taken."""
        link = self.links.setdefault(writer, Link())
        if seq == link.seq + 1:
            self.first.setdefault(writer, seq)
            link.seq, link.hash, link.epoch, link.log_index, link.accused = seq, None, None, log_index, None

    def finish(self) -> Iterable[Finding]:
        """What is still open at the end."""
        yield from self._absent.values()
        for link in self.links.values():
            if link.accused is not None:
                yield link.accused

    def _settle(self, link: Link, event: Event) -> list[Finding]:
        """A link was broken between two events. The earlier one is the one that was changed, unless the event after
        the later one does not name that one either."""
        accused, link.accused = link.accused, None
        if accused is None:
            return []
        if event.seq != link.seq + 1 or event.prev == link.hash:
            return [accused]
        message = "neither names the event before it nor is named by the one after it"
        return [Finding(Flaw.EDITED, message, link.log_index, event.writer, link.seq)]

    def _accuse(self, event: Event, log_index: int, link: Link) -> Finding:
        if link.seq == 0:
            message = "the first event of its writer names an event before it"
            return Finding(Flaw.FORGED, message, log_index, event.writer, event.seq)
        message = f"its hash is not the one that seq {event.seq} names"
        return Finding(Flaw.EDITED, message, link.log_index, event.writer, link.seq)

    def _gap(self, link: Link, event: Event, log_index: int) -> None:
        for seq in range(link.seq + 1, min(event.seq, link.seq + 1001)):
            message = f"before seq {event.seq} at log index {log_index}"
            place = link.log_index + 1 if link.seq else log_index
            self._absent[event.writer, seq] = Finding(Flaw.MISSING, message, place, event.writer, seq)
        beyond = event.seq - (link.seq + 1001)
        if beyond > 0:
            message = f"and {beyond} more before seq {event.seq}"
            key = (event.writer, event.seq - 1)
            self._absent[key] = Finding(Flaw.MISSING, message, log_index, event.writer, event.seq - 1)

    def _late(self, event: Event, hash_: bytes, log_index: int, link: Link) -> list[Finding]:
        """An event at or before the writer's last one."""
        if self._absent.pop((event.writer, event.seq), None) is not None:
            message = f"after seq {link.seq} of its writer"
            return [Finding(Flaw.REORDERED, message, log_index, event.writer, event.seq)]
        if event.seq == link.seq and hash_ == link.hash:
            return [Finding(Flaw.DUPLICATED, "a second time", log_index, event.writer, event.seq)]
        message = f"a second event of this sequence (its writer is at {link.seq})"
        return [Finding(Flaw.FORGED, message, log_index, event.writer, event.seq)]

    def _epoch(self, event: Event, log_index: int, link: Link) -> list[Finding]:
        if link.hash is None or link.epoch is None or event.epoch == link.epoch:
            return []
        if link.seq and event.seq > link.seq + 1:
            return []
        expected = {"epoch": event.epoch, "previous_seq": link.seq, "previous_head": link.hash.hex()}
        names_it = all(event.data.get(key) == value for key, value in expected.items())
        if event.type == "lifecycle.start" and event.epoch == link.epoch + 1 and names_it:
            return []
        if link.accused is not None or (not link.seq and event.seq > 1):
            return []
        message = f"epoch {event.epoch} does not begin by naming the end of epoch {link.epoch}"
        return [Finding(Flaw.EPOCH, message, log_index, event.writer, event.seq)]
