"""Two pages; what was typed into them is text, never markup."""

from console.dev.pages import choose, say


def test_markup_stays_text() -> None:
    page = choose("/authorize", {"state": '"><script>'}, ["<b>"]) + say("<i>")
    for markup in ("<script>", "<b>", "<i>"):
        assert markup not in page


def test_a_device_code_is_asked_for_when_it_is_not_given() -> None:
    assert "<label>Code" in choose("/device", {"user_code": ""}, ["alice"])
    assert 'type="hidden" name="user_code" value="AB"' in choose("/device", {"user_code": "AB"}, ["alice"])


def test_only_a_device_can_be_refused() -> None:
    assert "Refuse" in choose("/device", {"user_code": "AB"}, ["alice"])
    assert "Refuse" not in choose("/authorize", {"state": "s"}, ["alice"])
