"""Authenticators and signatures as messages, and back."""

from approvals import approvals_pb2 as pb
from approvals.facts import Signature


def signature_to(signature: Signature) -> pb.Signature:
    return pb.Signature(
        credential=signature.credential,
        client_data=signature.client_data,
        authenticator_data=signature.authenticator_data,
        signature=signature.signature,
        answer=signature.answer,
        nonce=signature.nonce,
        expires_us=signature.expires_us,
        public_key=signature.public_key,
        algorithm=signature.algorithm,
        rp_id=signature.rp_id,
        origin=signature.origin,
        registered=signature.registered,
    )


def signature_from(message: pb.Signature) -> Signature:
    return Signature(
        credential=message.credential,
        client_data=message.client_data,
        authenticator_data=message.authenticator_data,
        signature=message.signature,
        answer=message.answer,
        nonce=message.nonce,
        expires_us=message.expires_us,
        public_key=message.public_key,
        algorithm=message.algorithm,
        rp_id=message.rp_id,
        origin=message.origin,
        registered=message.registered,
    )
