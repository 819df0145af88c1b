"""`exeat audit remask`: content replaced by a copy that today's rules masked. The event first, then the act."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import click

from audit.log.clickhouse import ClickHouseTarget
from audit.log.rows import FrameRow
from audit.log.target import TargetAway, TargetRefused
from audit.read.decisions import Filter
from audit.read.holds import Hold, fold
from audit.read.holds import question as holds_question
from audit.read.reader import Question, Reader, StoreSilent, own_words
from audit.read.remask import FRAMES_PER_EVENT, Changed, changes
from audit.store.client import pruner_client, writer_client
from audit.write import Draft, Kind, Value
from console.cli.asking import json_option, narrowed, reader, settings_of, show_json
from console.holding import until_stored
from console.recording import Recorder, person
from masking import Masker
from runtime.ids import uuid7
from runtime.settings import Settings
from snapshot.current import Current
from snapshot.masking_keys import masking_keys

BODIES = 200  # exchanges per question: their content is in memory meanwhile
FRAMES = """
SELECT f.writer AS writer, f.seq AS seq, f.ordinal AS ordinal, f.exchange AS exchange, f.session AS session,
    f.direction AS direction, f.idx AS idx, toUnixTimestamp64Micro(f.at) AS at_us, f.media AS media, f.sha256 AS sha256,
    f.content AS content, e.connection AS connection
FROM (SELECT * FROM frames WHERE exchange IN {exchanges:Array(String)}) AS f
LEFT ANY JOIN (SELECT writer, seq, connection FROM events WHERE exchange IN {exchanges:Array(String)}) AS e
    ON e.writer = f.writer AND e.seq = f.seq
ORDER BY exchange, direction, media, if(direction IN ('input', 'shown'), seq, 0), idx, seq, ordinal
"""
HALF_DONE = """
SELECT DISTINCT lower(hex(sha256)) AS old FROM frames
WHERE (writer, seq, ordinal, lower(hex(sha256))) IN
(
    SELECT JSONExtractString(frame, 'writer'), JSONExtractUInt(frame, 'seq'),
        toUInt32(JSONExtractUInt(frame, 'ordinal')), JSONExtractString(frame, 'was')
    FROM
    (
        SELECT arrayJoin(JSONExtractArrayRaw(body, 'data', 'frames')) AS frame
        FROM events WHERE type = 'frame.remasked'
    )
    WHERE JSONExtractString(frame, 'h') IN (SELECT lower(hex(sha256)) FROM frames)
)
"""


@click.command("remask")
@click.option("--profile", "profiles", multiple=True, help="Profiles beside the floor; may be repeated.")
@click.option("--session", default="", help="Only this session.")
@click.option("--subject", default="", help="Only this subject of a token.")
@click.option("--agent", default="", help="Only this agent.")
@click.option("--connection", default="", help="Only this connection.")
@click.option("--since", metavar="WHEN", help="From then on: 90m, 2d, 2026-11-20, 2026-11-20T12:00.")
@click.option("--until", metavar="WHEN", help="Before then.")
@click.option("--dry-run", is_flag=True, help="Only say how many frames would change.")
@json_option
@click.pass_context
def command(
    context: click.Context, /, profiles: Sequence[str], since: str | None, until: str | None, dry_run: bool,
    as_json: bool, **fields: str,
) -> None:  # fmt: skip
    """Replace recorded content by a copy that the current rules masked, e.g. after a rule was added.

    The signed log names each new frame by its salted hash before the old one goes; frames under a legal hold stay.
    """
    settings, name = settings_of(context), uuid7()
    which = narrowed(since, until, **fields)
    with reader(settings) as asking:
        if not dry_run:
            _delete(settings, [row["old"] for row in asking.ask(Question("audit.remask", HALF_DONE))])
        done, held = 0, 0
        making = _Remasking(settings, asking, profiles, name)
        for exchanges in _exchanges(asking, which):
            changed, kept = making.changed(exchanges)
            held += kept
            done += len(changed)
            if changed and not dry_run:
                making.replace(changed)
    if as_json:
        show_json({"id": name, "frames": done, "held": held, "dry_run": dry_run})
        return
    told = f"; the log says so under {name}" if done and not dry_run else ""
    click.echo(f"{done} frames {'would be' if dry_run else 'were'} masked anew{told}")
    if held:
        click.echo(f"{held} frames stay as they are: a legal hold keeps them")


class _Remasking:
    def __init__(self, settings: Settings, asking: Reader, profiles: Sequence[str], name: str) -> None:
        self._settings, self._asking, self._name = settings, asking, name
        self._snapshot = Current(settings.gateway.state_dir, settings.secrets).get()
        self._profiles = tuple(dict.fromkeys((settings.masking.floor, *profiles)))
        self._keys = masking_keys(settings)
        self._holds = [hold for hold in fold(asking.ask(holds_question())) if hold.active]
        self._part = 0

    def changed(self, exchanges: Sequence[str]) -> tuple[list[Changed], int]:
        """What would be other by today's rules, and how much of that a legal hold keeps."""
        rows = self._asking.ask(Question("audit.remask", FRAMES, {"exchanges": list(exchanges)}, binary=("content",)))
        found = list(changes(rows, self._masker))
        if not found or not self._holds:
            return found, 0
        held = set[tuple[str, int, int]]()
        for number, hold in enumerate(self._holds):
            held |= self._held(hold, number, exchanges)
        free = [change for change in found if _place(change.row) not in held]
        return free, len(found) - len(free)

    def replace(self, changed: Sequence[Changed]) -> None:
        """In the log, then in the store beside the old ones, then the old ones go."""
        for at in range(0, len(changed), FRAMES_PER_EVENT):
            part = changed[at : at + FRAMES_PER_EVENT]
            self._part += 1
            data: dict[str, Value] = {
                "id": self._name, "part": self._part, "profiles": list(self._profiles),
                "snapshot": self._snapshot.digest, "frames": [change.told() for change in part],
            }  # fmt: skip
            Recorder(self._settings).record(Draft(Kind.CONFIG, "frame.remasked", caller=person(), data=data))
            until_stored(self._asking, "frame.remasked", self._name, f'"part":{self._part},')
            _insert(self._settings, part)
            _delete(self._settings, [bytes(change.row["sha256"]).hex() for change in part])

    def _masker(self, connection: str, session: str, direction: str) -> Masker:
        return self._snapshot.masking.masker(
            self._profiles, keys=self._keys, connection=connection, direction=direction, tweak=session.encode()
        )

    def _held(self, hold: Hold, number: int, exchanges: Sequence[str]) -> set[tuple[str, int, int]]:
        where, values = hold.frames(number)
        sql = f"SELECT writer, seq, ordinal FROM frames WHERE exchange IN {{exchanges:Array(String)}} AND {where}"  # noqa: S608
        rows = self._asking.ask(Question("audit.remask", sql, {"exchanges": list(exchanges), **values}))
        return {_place(row) for row in rows}


def _place(row: Any) -> tuple[str, int, int]:
    return str(row["writer"]), int(row["seq"]), int(row["ordinal"])


def _exchanges(asking: Reader, which: Filter) -> Iterator[list[str]]:
    where, values = which.where()
    sql = f"SELECT DISTINCT exchange FROM events WHERE exchange != '' AND {where} ORDER BY exchange"  # noqa: S608
    rows = iter(asking.ask(Question("audit.remask", sql, values)))
    while part := [str(row["exchange"]) for row in islice(rows, BODIES)]:
        yield part


def _insert(settings: Settings, changed: Sequence[Changed]) -> None:
    target = ClickHouseTarget(lambda: writer_client(settings), settings.clickhouse.database)
    rows = [
        FrameRow(
            *_place(change.row), str(change.row["exchange"]), str(change.row["session"]), str(change.row["direction"]),
            int(change.row["idx"]), int(change.row["at_us"]), str(change.row["media"]), change.salt, change.digest,
            change.content,
        )
        for change in changed
    ]  # fmt: skip
    try:
        target.insert_frames(rows)
    except (TargetAway, TargetRefused) as error:
        raise StoreSilent(f"the new frames were not stored, run the same again: {error.message}") from None
    finally:
        target.close()


def _delete(settings: Settings, digests: Sequence[str]) -> None:
    """Old frames by their salted hashes, which are hex of ours and nothing else."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    if not digests:
        return
    client = pruner_client(settings)
    try:
        for at in range(0, len(digests), 500):
            listed = ", ".join(f"'{bytes.fromhex(digest).hex()}'" for digest in digests[at : at + 500])
            sql = f"ALTER TABLE frames DELETE WHERE lower(hex(sha256)) IN ({listed})"
            client.command(sql, settings={"mutations_sync": 1})
    except ClickHouseError as error:
        words = own_words(str(error))
        raise StoreSilent(f"the old frames are still there, run the same again: {words}") from None
    finally:
        client.close()
