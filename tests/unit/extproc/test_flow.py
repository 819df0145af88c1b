"""The order of things on the response side."""

from extproc.flow import HIGH_WATER, Flow, Piece


def flow(*pieces: bytes, ahead: int | None = 0) -> Flow:
    made = Flow(ahead)
    for at, data in enumerate(pieces):
        made.add(Piece(at, data))
    return made


def test_strict_lets_nothing_go_before_it_is_durable() -> None:
    made = flow(b"one", b"two")
    assert made.release() == b""
    assert [piece.data for piece in made.batch()] == [b"one", b"two"]
    assert made.release() == b""
    made.recorded()
    assert made.release() == b"onetwo"
    assert made.empty


def test_what_comes_during_a_batch_is_in_the_next_one() -> None:
    made = flow(b"one")
    made.batch()
    made.add(Piece(1, b"two"))
    made.recorded()
    assert made.release() == b"one"
    assert [piece.data for piece in made.batch()] == [b"two"]
    assert not made.empty


def test_relaxed_runs_ahead_by_so_many_bytes() -> None:
    made = flow(b"12345", b"67890", b"x", ahead=10)
    assert made.release() == b"1234567890"
    made.batch()
    made.recorded()
    assert made.release() == b"x"


def test_relaxed_stops_running_ahead_while_the_recorder_is_late() -> None:
    made = flow(b"1", ahead=10)
    made.behind = True
    assert made.release() == b""
    made.batch()
    made.recorded()
    assert made.release() == b"1"


def test_a_piece_larger_than_the_lead_waits_for_the_record() -> None:
    made = flow(b"x" * 11, ahead=10)
    assert made.release() == b""
    made.batch()
    made.recorded()
    assert len(made.release()) == 11


def test_nothing_is_recorded_outside_of_an_exchange() -> None:
    made = flow(b"local", ahead=None)
    assert made.batch() == []
    assert made.release() == b"local"
    assert made.empty


def test_what_is_left_over_is_what_went_and_nobody_recorded() -> None:
    made = flow(b"1", ahead=3)
    made.batch()
    made.add(Piece(1, b"2"))
    made.add(Piece(2, b"345"))
    assert made.release() == b"12"
    assert [piece.data for piece in made.leftover()] == [b"2"]
    assert flow(b"one").leftover() == []


def test_it_is_full_at_high_water() -> None:
    made = flow(b"x" * (HIGH_WATER - 1))
    assert not made.full
    made.add(Piece(0, b"x"))
    assert made.full
    made.batch()
    made.recorded()
    made.release()
    assert not made.full


def test_empty_pieces_are_none() -> None:
    assert flow(b"", b"").empty
