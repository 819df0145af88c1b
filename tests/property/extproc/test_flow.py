"""Laws of the response side, for any order of arrivals and commits."""

from hypothesis import given
from hypothesis import strategies as st

from extproc.flow import Flow, Piece

STEPS = st.lists(st.one_of(st.binary(max_size=8), st.sampled_from(["batch", "recorded", "release", "late"])))


@given(STEPS, st.sampled_from([0, 5]))
def test_bytes_keep_their_order_and_never_run_further_ahead_than_allowed(steps: list[object], ahead: int) -> None:
    flow, came, gone, durable, batch = Flow(ahead), b"", b"", 0, -1
    for step in steps:
        match step:
            case bytes(data):
                flow.add(Piece(0, data))
                came += data
            case "batch" if batch < 0:
                batch = sum(len(piece.data) for piece in flow.batch())
            case "recorded" if batch >= 0:
                durable, batch = durable + batch, -1
                flow.recorded()
            case "late":
                flow.behind = True
            case "release":
                gone += flow.release()
        assert came.startswith(gone)
        assert len(gone) <= durable + ahead
        assert flow.let_go == len(gone)


@given(STEPS)
def test_everything_goes_in_the_end(steps: list[object]) -> None:
    flow = Flow(0)
    came = b"".join(step for step in steps if isinstance(step, bytes))
    for step in steps:
        if isinstance(step, bytes):
            flow.add(Piece(0, step))
    recorded = b"".join(piece.data for piece in flow.batch())
    flow.recorded()
    assert flow.release() == came == recorded
    assert flow.empty
