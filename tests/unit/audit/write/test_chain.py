import hashlib
import json

from audit.write.chain import GENESIS, Head, extend


def test_each_body_names_the_hash_before_it():
    head = Head("authz.00000000", "exeat", epoch=2)
    first, body1 = extend(head, {"type": "a"})
    second, body2 = extend(first, {"type": "b"})
    assert json.loads(body1) == {
        "v": 1,
        "gateway": "exeat",
        "writer": "authz.00000000",
        "epoch": 2,
        "seq": 1,
        "prev": GENESIS.hex(),
        "type": "a",
    }
    assert json.loads(body2)["prev"] == hashlib.sha256(body1).hexdigest() == first.hash.hex()
    assert (second.seq, second.hash) == (2, hashlib.sha256(body2).digest())


def test_the_chain_wins_over_fields_of_the_same_name():
    _, body = extend(Head("w", "g"), {"seq": 99, "prev": "x", "writer": "forged"})
    assert json.loads(body)["seq"] == 1
    assert json.loads(body)["writer"] == "w"
