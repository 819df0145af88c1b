"""What a reservation, a charge and an expiry change."""

from usage import ledger
from usage.amounts import Amounts
from usage.ledger import NOW, Reservation
from usage.scopes import Who
from usage.windows import SECOND, WINDOWS

WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")
ASKED = Amounts(requests=1, input_tokens=10, output_tokens=100, request_bytes=7, rows=5)
US = 1_700_000_000 * SECOND


def test_a_reservation_counts_in_all_scopes_and_is_taken_back_whole() -> None:
    made = ledger.reserve(WHO, ASKED)
    assert made == {(key, NOW, 0): ASKED for key in WHO.keys}
    back = Reservation("e", WHO, ASKED).unsettled()
    assert all(not (made[cell] + back[cell]) for cell in made)
    assert Reservation("e", WHO, ASKED, lost=True).unsettled() == {}


def test_a_charge_stands_in_every_window_of_every_scope() -> None:
    cells = ledger.charge(WHO, ASKED, US)
    assert len(cells) == 4 * len(WINDOWS)
    assert set(cells.values()) == {ASKED}
    assert ledger.charge(WHO, Amounts(), US) == {}


def test_what_left_is_charged_when_nobody_settles() -> None:
    assert ledger.lose(Reservation("e", WHO, ASKED)) == Amounts()
    sent = ledger.lose(Reservation("e", WHO, ASKED, sent=True))
    assert sent == Amounts(requests=1, input_tokens=10, request_bytes=7)


def test_a_value_counts_once_at_its_latest_sighting() -> None:
    (minute, *_) = WINDOWS
    first = ledger.sightings(b"k", [None, None], US)
    assert first[(b"k", minute.length, minute.at(US))] == Amounts(values=2)
    assert ledger.sightings(b"k", [US], US) == {}
    later = US + 6 * SECOND
    moved = ledger.sightings(b"k", [US], later)
    assert moved[(b"k", minute.length, minute.at(later))] == Amounts(values=1)
    assert moved[(b"k", minute.length, minute.at(US))] == Amounts(values=-1)
    assert ledger.sightings(b"k", [later], US) == {}  # a clock that went back


def test_numbers_are_what_was_used_and_what_is_reserved() -> None:
    rows = {WHO.keys[0]: {NOW: ASKED, WINDOWS[0].length: ASKED}}
    used = ledger.numbers(WHO, rows).used
    assert used["identity"]["minute"] == ASKED + ASKED
    assert used["identity"]["day"] == ASKED
    assert used["session"]["day"] == Amounts()
    ahead = ledger.numbers(WHO, rows, [Amounts(requests=1)] * 4).used
    assert ahead["identity"]["minute"] == ASKED + Amounts(requests=1)
