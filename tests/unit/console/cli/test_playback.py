from audit.read.timeline import Frame, Moment
from console.cli.playback import Playback


def moments(*exchanges: str) -> list[Moment]:
    return [
        Moment(at * 1_000_000, 1_000_000, 0, Frame(name, "response", at, at, "text/plain", b""))
        for at, name in enumerate(exchanges)
    ]


def test_plays_to_the_end():
    playback = Playback(moments("a", "a"))
    assert playback.due() == 1.0
    assert [playback.take().offset_us, playback.take().offset_us] == [0, 1_000_000]
    assert not playback.going


def test_pause_and_next():
    playback = Playback(moments("a", "a", "a"))
    assert playback.key(" ") == "paused"
    assert playback.due() is None
    playback.key("n")
    assert playback.due() == 0.0
    playback.take()
    assert playback.due() is None, "still paused"
    assert playback.key(" ") == "goes on"
    assert playback.due() == 1.0


def test_jump_to_an_exchange_that_was_not_seen_and_back():
    playback = Playback(moments("a", "a", "b", "a", "b", "c"))
    playback.take()
    playback.key("j")
    assert (playback.at, playback.due()) == (2, 0.0)
    playback.take()
    playback.key("j")
    assert playback.take().what.exchange == "c"
    playback.key("b")
    assert playback.at == 5
    playback = Playback(moments("a", "b", "b"), at=3)
    playback.key("b")
    assert playback.at == 1


def test_a_jump_past_the_last_exchange_ends_it():
    playback = Playback(moments("a", "a"))
    playback.take()
    assert playback.key("j") == "no further exchange"
    assert not playback.going


def test_speed_has_limits():
    playback = Playback(moments("a"))
    assert playback.key("+") == "speed 2"
    assert playback.due() == 0.5
    for _ in range(20):
        playback.key("+")
    assert playback.speed == 64
    for _ in range(30):
        playback.key("-")
    assert playback.speed == 1 / 16


def test_end_and_keys_that_mean_nothing():
    playback = Playback(moments("a"))
    assert playback.key("x") == ""
    assert "pause" in playback.key("?")
    assert playback.key("q") == "stopped"
    assert not playback.going
