"""The signatures that the Amazon S3 API Reference gives for its examples (bucket `examplebucket`, 24 May 2013)."""

import pytest

from audit.log.s3 import Credentials, Request, query_string, sign

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
URL = "https://examplebucket.s3.amazonaws.com"
AT_US = 1_369_353_600_000_000

EXAMPLES = [
    (
        Request("GET", f"{URL}/test.txt", {}, {"Range": "bytes=0-9"}),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    (
        Request(
            "PUT", f"{URL}/test%24file.text", {},
            {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    (
        Request("GET", f"{URL}/", {"lifecycle": ""}, {}),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    (
        Request("GET", f"{URL}/", {"max-keys": "2", "prefix": "J"}, {}),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "signature"), EXAMPLES)
def test_the_references_own_examples(request_: Request, signature: str):
    headers = sign(request_, KEYS, AT_US)
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["authorization"].endswith(f"Signature={signature}")


def test_the_secret_is_in_no_text():
    assert KEYS.secret_key not in repr(KEYS)
    assert KEYS.secret_key not in str(sign(EXAMPLES[0][0], KEYS, AT_US))


def test_queries_are_sent_as_they_are_signed():
    assert query_string({"b": "x/y z", "a": ""}) == "a=&b=x%2Fy%20z"
