"""The fake recorder: keeps drafts in a list, fails when told to."""

from audit.write.event import SALT_BYTES, Draft, compose


class MemoryRecorder:
    """A `Recorder` for tests. Refuses exactly the drafts that the spool would refuse (EventInvalid, EventTooLarge)."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.fail: Exception | None = None

    async def record(self, *drafts: Draft) -> None:
        if self.fail is not None:
            raise self.fail
        for draft in drafts:
            compose(draft, event_id="", ts_us=0, salts=[bytes(SALT_BYTES)] * len(draft.frames))
        self.drafts.extend(drafts)

    def types(self) -> list[str]:
        """The story so far, e.g. ["decision.allow", "exchange.end"]."""
        return [draft.type for draft in self.drafts]
