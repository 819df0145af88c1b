import pytest

from audit.log.note import KeyMalformed, Signer, checkpoint, sign
from audit.verify.findings import CannotVerify
from audit.verify.notes import Key, NoteRefused, open_checkpoint, open_note

SIGNER = Signer.generate("gateway.test/log")


def test_the_key_id_is_that_of_the_published_key_of_gos_checksum_database():
    key = Key.parse("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")
    assert key.key_id.hex() == "033de0ae"


def test_a_checkpoint_is_read_back_by_the_verifier():
    note = sign(checkpoint("gateway.test/log", 42, b"r" * 32), [SIGNER])
    assert note.startswith("gateway.test/log\n42\ncnJy")
    read = open_checkpoint(note, [Key.parse(SIGNER.vkey())], "here")
    assert (read.origin, read.size, read.root, read.source) == ("gateway.test/log", 42, b"r" * 32, "here")


def test_two_keys_sign_while_one_replaces_the_other():
    newer = Signer.generate("gateway.test/log")
    note = sign(checkpoint("gateway.test/log", 1, b"r" * 32), [SIGNER, newer])
    for signer in (SIGNER, newer):
        assert open_checkpoint(note, [Key.parse(signer.vkey())]).size == 1


def test_signing_keys_are_read_back_and_nothing_else_is():
    assert Signer.parse(SIGNER.private() + "\n").vkey() == SIGNER.vkey()
    wrong_id = SIGNER.private().replace(SIGNER.key_id.hex(), "00000000")
    for text in ("", "x", SIGNER.vkey(), SIGNER.private()[:-4], wrong_id):
        with pytest.raises(KeyMalformed):
            Signer.parse(text)
    for name in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(KeyMalformed):
            Signer.generate(name)


def test_a_note_needs_a_final_newline():
    with pytest.raises(ValueError, match="newline"):
        sign("text", [SIGNER])


NOTE = sign(checkpoint("gateway.test/log", 42, b"r" * 32), [SIGNER])


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("\n42\n", "\n43\n"),
        NOTE.replace("\n\n", "\n"),
        NOTE.rpartition("\n\n")[0] + "\n\n",
        NOTE.replace("\u2014", "-"),
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("gateway.test/log\n", "other\n", 1),
        NOTE + "\u2014 gateway.test/log !!\n",
        NOTE.replace("\n42\n", "\n\t42\n"),
        sign("gateway.test/log\n042\n" + "A" * 44 + "\n", [SIGNER]),
        sign("gateway.test/log\n42\nAAAA\n", [SIGNER]),
        sign("gateway.test/log\n42\n!\n", [SIGNER]),
        sign("other\n42\n" + "A" * 43 + "=\n", [SIGNER]),
        sign("gateway.test/log\n", [SIGNER]),
        sign(checkpoint("gateway.test/log", 42, b"r" * 32), [Signer.generate("gateway.test/log")]),
        "",
        "x" * 100_000,
    ],
)
def test_refuses_what_the_key_did_not_sign_or_is_no_checkpoint(note: str):
    with pytest.raises(NoteRefused):
        open_checkpoint(note, [Key.parse(SIGNER.vkey())])


def test_other_peoples_signatures_beside_ours_are_passed_over():
    witness = Signer.generate("witness.example")
    note = sign("text\n", [witness, SIGNER])
    assert open_note(note, [Key.parse(SIGNER.vkey())]) == "text\n"
    with pytest.raises(NoteRefused):
        open_note(sign("text\n", [witness]), [Key.parse(SIGNER.vkey())])


@pytest.mark.parametrize("vkey", ["", "a+b", SIGNER.private(), SIGNER.vkey()[:-4], "x" + SIGNER.vkey()])
def test_refuses_what_is_no_verifier_key(vkey: str):
    with pytest.raises(CannotVerify):
        Key.parse(vkey)
