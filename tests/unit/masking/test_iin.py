from stdnum import iban as stdnum_iban

from masking.iin import CARD_LENGTHS, IBAN_LENGTHS


def test_known_issuers() -> None:
    for lead, size in ((b"4111", 16), (b"4222", 13), (b"3782", 15), (b"2223", 16), (b"6011", 16), (b"6212", 19)):
        assert CARD_LENGTHS[lead] >> size & 1
    for lead in (b"1234", b"7000", b"9111", b"2100", b"0000"):
        assert lead not in CARD_LENGTHS
    assert not CARD_LENGTHS[b"4111"] >> 15 & 1


def test_iban_lengths_are_the_oracle_s() -> None:
    for country, length in IBAN_LENGTHS.items():
        structure = stdnum_iban._ibandb.info(country)[0][1].get("bban")
        if structure:
            parts = [int("".join(filter(str.isdigit, part))) for part in structure.replace("!", "! ").split()[:-1]]
            assert not parts or length > 4
    assert IBAN_LENGTHS["NO"] == 15
    assert IBAN_LENGTHS["MT"] == 31
    assert len(IBAN_LENGTHS) > 75
