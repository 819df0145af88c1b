"""Checking the approvers' own signatures (Web Authentication Level 3, §7.2) with nothing but the record. Pure.

    person.authenticator_added    whose it is, its public key (DER, base64url), RP id and origin; …_removed ends it
    approval.requested            terms.signature: every answer must be signed
    approval.endorsed|granted|refused, standing.given|break_glass (in `answers`)
                                  signature {credential, client_data, authenticator_data, signature, answer, nonce, …}

The challenge that was signed is made again from the answer as it is recorded:

    SHA-256("exeat/approval-answer/v1\\n" ‖ sorted compact JSON of {answer, approval, approver, expires_us,
            justification: SHA-256 of the words, masking, max_response_bytes, nonce, shown, wish})

So a changed word, another approval or another person is a finding, also when the log around it was signed anew: the
log's key is the gateway's, this one was never on that machine.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from audit.verify.body import Event
from audit.verify.findings import Finding, Flaw, Report

PURPOSE = "exeat/approval-answer/v1"
PRESENT, VERIFIED = 0x01, 0x04  # flags of authenticator data (§6.1): somebody was there, and it was the one who may
ANSWERS = {"approval.endorsed", "approval.granted", "approval.refused"}
ENDS = {"approval.used", "approval.refused", "approval.expired", "approval.withdrawn"}
LIFE_US = 120_000_000  # from the challenge to the answer


class _Wrong(Exception):
    """Why a signature does not hold, for the finding."""


class _Unknown(_Wrong):
    """Its key was never registered, or the event that says so is not at hand."""


@dataclass(slots=True)
class _Key:
    issuer: str
    subject: str
    public: Any
    algorithm: int
    rp_id: str
    origin: str
    count: int
    removed: bool = False


class Signatures:
    """`told` every event in log order; `settle` adds what was found."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._asked: set[str] = set()  # approvals whose answers must be signed, while they are open
        self._standing: dict[str, bool] = {}  # standing grant → was it signed
        self._seen: dict[str, tuple[str, str]] = {}  # nonce → (approval, signature)
        self._own: set[str] = set()  # nonces whose answer's own event was told
        self._found: list[Finding] = []
        self._unknown: list[Finding] = []
        self._elsewhere: dict[tuple[str, str], str] = {}  # (whose, gateway) → credential
        self.checked = 0

    def told(self, event: Event, log_index: int) -> None:
        if not event.type.startswith(("approval.", "standing.", "person.authenticator_")):
            return
        try:
            self._told(event)
        except _Unknown as unknown:
            self._unknown.append(Finding(Flaw.SIGNATURE, str(unknown), log_index, event.writer, event.seq))
        except _Wrong as wrong:
            self._found.append(Finding(Flaw.SIGNATURE, str(wrong), log_index, event.writer, event.seq))
        except Exception:  # strangers' bytes in a library's parsers: whatever breaks is a finding, and the rest is read
            message = "what it says of a signature cannot be read"
            self._found.append(Finding(Flaw.SIGNATURE, message, log_index, event.writer, event.seq))

    def settle(self, report: Report, pruned: int = 0) -> None:
        """`pruned`: how many events the log says are gone, which may have been those that registered a key."""
        report.signatures += self.checked
        for finding in (*self._found, *(() if pruned else self._unknown)):
            report.add(finding)
        for (subject, gateway), id_ in self._elsewhere.items():
            report.note(
                f"{subject} signed with the authenticator {_short(id_)}, which was registered at gateway {gateway!r}:"
                " whose it is stands in that gateway's log"
            )
        if pruned and self._unknown:
            count = len(self._unknown)
            report.note(f"{count} signatures of approvers were not checked: no event here says whose key it is")

    def _told(self, event: Event) -> None:
        data, here = event.data, str(event.columns[5])
        if event.type == "person.authenticator_added":
            self._add(event)
        elif event.type == "person.authenticator_removed":
            key = self._keys.get(str(data["authenticator"]))
            if key is not None:
                key.removed = True
        elif event.type == "approval.requested" and data.get("terms", {}).get("signature"):
            self._asked.add(str(data["approval"]))
        elif event.type in ("standing.given", "standing.break_glass"):
            self._standing_given(data, "grant" if event.type == "standing.given" else "break_glass", here)
        elif event.type in ANSWERS:
            self._answered(event.type, data, here)
        if event.type in ENDS:
            self._asked.discard(str(data["approval"]))

    def _add(self, event: Event) -> None:
        data, (issuer, subject) = event.data, event.columns[9:11]
        id_ = str(data["authenticator"])
        if id_ in self._keys:
            raise _Wrong(f"the authenticator {_short(id_)} is registered a second time")
        self._keys[id_] = _key(data, str(issuer), str(subject), int(data["count"]))

    def _answered(self, type_: str, data: Mapping[str, Any], here: str) -> None:
        approval, standing = str(data["approval"]), str(data.get("standing", ""))
        if "signature" in data:
            wanted = "refuse" if type_ == "approval.refused" else "break_glass" if standing else "grant"
            self._check(approval, wanted, data, here, int(data["at_us"]))
        elif approval in self._asked and not self._standing.get(standing, False):
            raise _Wrong(f"{_who(data)} answered approval {approval} without the signature that it asks for")

    def _standing_given(self, data: Mapping[str, Any], wanted: str, here: str) -> None:
        approval, answers = str(data["approval"]), data.get("answers", [])
        signed = bool(answers) and all("signature" in answer for answer in answers)
        if approval in self._asked and not signed:
            raise _Wrong(f"a standing grant was given at approval {approval} without the signature that it asks for")
        for answer in answers:
            if "signature" in answer:
                self._check(approval, wanted, answer, here)
        self._standing[str(data["standing"])] = signed

    def _check(
        self, approval: str, wanted: str, answer: Mapping[str, Any], here: str, at_us: int | None = None
    ) -> None:
        """Raises _Wrong unless the answer's signature is one over this answer. `here`: whose log this is.

        `at_us`: when it was given; None where an event repeats what another one tells first.
        """
        signature, whose = answer["signature"], f"the signature of {_who(answer)} on approval {approval}"
        self.checked += 1
        if signature["answer"] != wanted:
            raise _Wrong(f"{whose} is one for {str(signature['answer'])[:20]!r}, not for {wanted!r}")
        key = self._key(signature, answer["approver"], whose, here)
        client = _bytes(signature["client_data"])
        data = _bytes(signature["authenticator_data"])
        _check_client(json.loads(client), _challenge(approval, answer), key, whose)
        if data[:32] != hashlib.sha256(key.rp_id.encode()).digest():
            raise _Wrong(f"{whose} was made for another site than {key.rp_id}")
        if len(data) < 37 or data[32] & (PRESENT | VERIFIED) != PRESENT | VERIFIED:
            raise _Wrong(f"{whose} was made without the authenticator having verified who was there")
        if not _holds(key, data + hashlib.sha256(client).digest(), _bytes(signature["signature"])):
            raise _Wrong(f"{whose} was not made by the key that was registered for them")
        self._once(approval, signature, whose)
        if at_us is not None:
            self._in_turn(signature, at_us, int.from_bytes(data[33:37], "big"), key, whose)

    def _key(self, signature: Mapping[str, Any], approver: Mapping[str, Any], whose: str, here: str) -> _Key:
        id_, registered = str(signature["credential"]), str(signature["registered"])
        key = self._keys.get(id_)
        if key is None and registered != here:  # gateways that share approvals have a log each
            key = self._keys[id_] = _key(signature, str(approver["issuer"]), str(approver["subject"]), 0)
            self._elsewhere[_who({"approver": approver}), registered] = id_
        if key is None:
            raise _Unknown(f"{whose} names the authenticator {_short(id_)}, which was not registered before it")
        if (key.issuer, key.subject) != (approver["issuer"], approver["subject"]):
            raise _Wrong(f"{whose} was made with the authenticator of {key.subject}")
        if key.removed:
            raise _Wrong(f"{whose} was made with an authenticator that had been removed")
        return key

    def _once(self, approval: str, signature: Mapping[str, Any], whose: str) -> None:
        """Events may repeat an answer; its challenge is good for that answer alone."""
        this = (approval, str(signature["signature"]))
        if self._seen.setdefault(str(signature["nonce"]), this) != this:
            raise _Wrong(f"{whose} uses a challenge for a second time")

    def _in_turn(self, signature: Mapping[str, Any], at_us: int, count: int, key: _Key, whose: str) -> None:
        """Once, in time, and with a counter that goes up. Repeats may stand anywhere, so nothing is asked of theirs."""
        if str(signature["nonce"]) in self._own:
            raise _Wrong(f"{whose} uses a challenge for a second time")
        self._own.add(str(signature["nonce"]))
        if not at_us < int(signature["expires_us"]) <= at_us + LIFE_US:
            raise _Wrong(f"{whose} was not made in the two minutes before the answer")
        if (count or key.count) and count <= key.count:
            raise _Wrong(f"{whose} has a counter that went back: the same key may be in two devices")
        key.count = count


def _key(data: Mapping[str, Any], issuer: str, subject: str, count: int) -> _Key:
    """Raises ValueError, KeyError."""
    public = load_der_public_key(_bytes(data["public_key"]))
    return _Key(issuer, subject, public, int(data["algorithm"]), str(data["rp_id"]), str(data["origin"]), count)


def _challenge(approval: str, answer: Mapping[str, Any]) -> bytes:
    """What must have been signed, from the answer as it is recorded."""
    signature, approver = answer["signature"], answer["approver"]
    stated = {
        "answer": signature["answer"],
        "approval": approval,
        "approver": {"issuer": approver["issuer"], "subject": approver["subject"]},
        "expires_us": signature["expires_us"],
        "justification": hashlib.sha256(answer["justification"].encode()).hexdigest(),
        "masking": list(answer.get("masking", ())),
        "max_response_bytes": answer.get("max_response_bytes", 0),
        "nonce": signature["nonce"],
        "shown": answer["shown"],
        "wish": answer.get("wish", {}),
    }
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{PURPOSE}\n{text}".encode()).digest()


def _check_client(client: Mapping[str, Any], challenge: bytes, key: _Key, whose: str) -> None:
    if client["type"] != "webauthn.get" or client["origin"] != key.origin or client.get("crossOrigin", False):
        raise _Wrong(f"{whose} was not made on the console's own page at {key.origin}")
    if _bytes(client["challenge"]) != challenge:
        raise _Wrong(f"{whose} is over another answer than the one that is recorded")


def _holds(key: _Key, signed: bytes, signature: bytes) -> bool:
    """ES256, EdDSA, RS256, by their numbers in COSE."""
    try:
        if key.algorithm == -7 and isinstance(key.public, EllipticCurvePublicKey):
            key.public.verify(signature, signed, ECDSA(SHA256()))
        elif key.algorithm == -8 and isinstance(key.public, Ed25519PublicKey):
            key.public.verify(signature, signed)
        elif key.algorithm == -257 and isinstance(key.public, RSAPublicKey):
            key.public.verify(signature, signed, PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _bytes(text: str) -> bytes:
    """base64url without padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _who(answer: Mapping[str, Any]) -> str:
    approver = answer["approver"]
    return str(approver.get("email") or approver["subject"])[:100]


def _short(id_: str) -> str:
    return id_[:12]
