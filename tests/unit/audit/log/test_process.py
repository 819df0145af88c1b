from audit.log.process import BACKOFF_SECONDS, Away
from audit.log.target import TargetAway


def test_tells_once_when_the_store_goes_and_once_when_it_is_back():
    away = Away()
    assert away.worked(0) == []
    told = [draft.type for _ in range(3) for draft in away.failed(TargetAway("no answer"))]
    assert told == ["log.store_away"]
    (back,) = away.worked(7)
    assert (back.type, back.data) == ("log.store_back", {"failures": 3, "behind": 7})
    assert away.worked(0) == []
    assert [draft.type for draft in away.failed(TargetAway("again"))] == ["log.store_away"]


def test_waits_longer_each_time_up_to_a_limit():
    away = Away()
    pauses = []
    for _ in range(30):
        away.failed(TargetAway(""))
        pauses.append(away.pause())
    first, longest = BACKOFF_SECONDS
    assert 0.6 * first <= pauses[0] <= first
    assert all(0.6 * longest <= pause <= longest for pause in pauses[10:])
