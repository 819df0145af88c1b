"""Keys tell apart whose usage it is, and hold no name."""

from dataclasses import replace

from usage.scopes import SCOPES, Who

WHO = Who("https://issuer", "bot", "runner", "s-1", "ledger")


def test_one_key_per_scope() -> None:
    assert len(set(WHO.keys)) == len(SCOPES) == 4
    assert not any(b"bot" in key or b"runner" in key for key in WHO.keys)


def test_each_name_has_its_own_scope() -> None:
    def changed(**fields: str) -> list[str]:
        other = replace(WHO, **fields).keys
        return [scope for scope, one, two in zip(SCOPES, WHO.keys, other, strict=True) if one != two]

    assert changed(subject="other") == ["identity"]
    assert changed(agent="other") == ["agent"]
    assert changed(session="other") == ["session"]
    assert changed(connection="other") == ["connection"]
    assert changed(issuer="https://other") == ["identity", "agent"]


def test_no_two_lists_of_parts_give_one_key() -> None:
    assert Who("i", "a1:", "x", "s", "c").keys[0] != Who("i1:a", ":", "x", "s", "c").keys[0]
