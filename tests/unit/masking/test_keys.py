import pytest

from masking.errors import BadKeys
from masking.keys import Keys


def test_a_key_file_reads_back() -> None:
    keys = Keys.generate()
    assert Keys.parse(keys.dump()) == keys
    assert Keys.parse(keys.token + keys.reversible) == keys
    assert Keys.generate() != keys


@pytest.mark.parametrize("data", [b"", b"short", b"zz" * 96, b"\0" * 95])
def test_wrong_sizes_are_refused(data: bytes) -> None:
    with pytest.raises(BadKeys, match="32 and 64 bytes"):
        Keys.parse(data)


def test_keys_are_never_printed() -> None:
    assert "tttt" not in repr(Keys(b"t" * 32, b"r" * 64))
