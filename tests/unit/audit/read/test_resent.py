from audit.read.resent import Base, whole
from audit.read.timeline import Frame


def own(exchange: str, *parts: bytes, direction: str = "request") -> list[Frame]:
    return [Frame(exchange, direction, at, 1, "application/json", part) for at, part in enumerate(parts)]


def base(of: str, prefix: int, suffix: int) -> Base:
    return Base(of, prefix, suffix, 5, "application/json")


FRAMES = [*own("a", b"[", b"1", b"]"), *own("b", b",2"), *own("c", b",3"), *own("a", b"answer", direction="response")]
BASES = {"b": base("a", 2, 1), "c": base("b", 3, 1), "d": base("c", 5, 0)}


def requests(frames: list[Frame]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for frame in frames:
        if frame.direction == "request":
            found[frame.exchange] = found.get(frame.exchange, b"") + frame.content
    return found


def test_every_turn_is_whole_again():
    made = whole(FRAMES, BASES)
    assert requests(made) == {"a": b"[1]", "b": b"[1,2]", "c": b"[1,2,3]", "d": b"[1,2,3]"}
    assert [frame.content for frame in made if frame.direction == "response"] == [b"answer"]
    assert next(frame.at_us for frame in made if frame.exchange == "d") == 5


def test_one_exchange_without_what_the_others_said():
    made = whole(FRAMES, BASES, only="c")
    assert requests(made) == {"c": b"[1,2,3]"}
    assert len(made) == 1
    assert [frame.content for frame in whole(FRAMES, BASES, only="a")] == [b"answer", b"[", b"1", b"]"]


def test_what_is_gone_is_said():
    left = [frame for frame in FRAMES if frame.exchange != "a"]
    assert requests(whole(left, BASES))["b"] == b"[3 parts are those of exchange a, and gone],2"


def test_a_circle_ends():
    assert requests(whole(own("a", b"x"), {"a": base("b", 1, 0), "b": base("a", 1, 0)}))["a"]
