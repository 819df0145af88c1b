from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Binding(_message.Message):
    __slots__ = ("exchange", "connection", "upstream", "received_digest", "forwarded_digest", "issuer", "subject", "agent", "snapshot", "target")
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    exchange: str
    connection: str
    upstream: str
    received_digest: str
    forwarded_digest: str
    issuer: str
    subject: str
    agent: str
    snapshot: str
    target: str
    def __init__(self, exchange: _Optional[str] = ..., connection: _Optional[str] = ..., upstream: _Optional[str] = ..., received_digest: _Optional[str] = ..., forwarded_digest: _Optional[str] = ..., issuer: _Optional[str] = ..., subject: _Optional[str] = ..., agent: _Optional[str] = ..., snapshot: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class Terms(_message.Message):
    __slots__ = ("any", "all", "quorum", "expires_s", "wait", "justification", "justification_from", "standing", "break_glass", "never", "signature")
    ANY_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_S_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FROM_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    BREAK_GLASS_FIELD_NUMBER: _ClassVar[int]
    NEVER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    any: _containers.RepeatedScalarFieldContainer[str]
    all: _containers.RepeatedScalarFieldContainer[str]
    quorum: int
    expires_s: int
    wait: str
    justification: str
    justification_from: _containers.RepeatedScalarFieldContainer[str]
    standing: Bounds
    break_glass: BreakGlass
    never: _containers.RepeatedScalarFieldContainer[str]
    signature: bool
    def __init__(self, any: _Optional[_Iterable[str]] = ..., all: _Optional[_Iterable[str]] = ..., quorum: _Optional[int] = ..., expires_s: _Optional[int] = ..., wait: _Optional[str] = ..., justification: _Optional[str] = ..., justification_from: _Optional[_Iterable[str]] = ..., standing: _Optional[_Union[Bounds, _Mapping]] = ..., break_glass: _Optional[_Union[BreakGlass, _Mapping]] = ..., never: _Optional[_Iterable[str]] = ..., signature: _Optional[bool] = ...) -> None: ...

class Bounds(_message.Message):
    __slots__ = ("uses", "seconds")
    USES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    uses: int
    seconds: int
    def __init__(self, uses: _Optional[int] = ..., seconds: _Optional[int] = ...) -> None: ...

class BreakGlass(_message.Message):
    __slots__ = ("any", "bounds")
    ANY_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    any: _containers.RepeatedScalarFieldContainer[str]
    bounds: Bounds
    def __init__(self, any: _Optional[_Iterable[str]] = ..., bounds: _Optional[_Union[Bounds, _Mapping]] = ...) -> None: ...

class Wish(_message.Message):
    __slots__ = ("uses", "seconds", "action")
    USES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    uses: int
    seconds: int
    action: str
    def __init__(self, uses: _Optional[int] = ..., seconds: _Optional[int] = ..., action: _Optional[str] = ...) -> None: ...

class Ask(_message.Message):
    __slots__ = ("binding", "terms", "shown_media", "shown", "owner", "email", "session", "rule", "message", "justification", "action", "jti", "risk", "tool", "hits")
    BINDING_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_MEDIA_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    JTI_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    binding: Binding
    terms: Terms
    shown_media: str
    shown: bytes
    owner: str
    email: str
    session: str
    rule: str
    message: str
    justification: str
    action: str
    jti: str
    risk: str
    tool: str
    hits: int
    def __init__(self, binding: _Optional[_Union[Binding, _Mapping]] = ..., terms: _Optional[_Union[Terms, _Mapping]] = ..., shown_media: _Optional[str] = ..., shown: _Optional[bytes] = ..., owner: _Optional[str] = ..., email: _Optional[str] = ..., session: _Optional[str] = ..., rule: _Optional[str] = ..., message: _Optional[str] = ..., justification: _Optional[str] = ..., action: _Optional[str] = ..., jti: _Optional[str] = ..., risk: _Optional[str] = ..., tool: _Optional[str] = ..., hits: _Optional[int] = ...) -> None: ...

class Narrowing(_message.Message):
    __slots__ = ("masking", "max_response_bytes")
    MASKING_FIELD_NUMBER: _ClassVar[int]
    MAX_RESPONSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    masking: _containers.RepeatedScalarFieldContainer[str]
    max_response_bytes: int
    def __init__(self, masking: _Optional[_Iterable[str]] = ..., max_response_bytes: _Optional[int] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("id", "state", "expires_us", "changed_us", "answered_by", "justification", "withdrawn", "narrowing")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    CHANGED_US_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_BY_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    NARROWING_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    expires_us: int
    changed_us: int
    answered_by: str
    justification: str
    withdrawn: str
    narrowing: Narrowing
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., expires_us: _Optional[int] = ..., changed_us: _Optional[int] = ..., answered_by: _Optional[str] = ..., justification: _Optional[str] = ..., withdrawn: _Optional[str] = ..., narrowing: _Optional[_Union[Narrowing, _Mapping]] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("id", "exchange")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    exchange: str
    def __init__(self, id: _Optional[str] = ..., exchange: _Optional[str] = ...) -> None: ...

class ConsumeRequest(_message.Message):
    __slots__ = ("id", "binding")
    ID_FIELD_NUMBER: _ClassVar[int]
    BINDING_FIELD_NUMBER: _ClassVar[int]
    id: str
    binding: Binding
    def __init__(self, id: _Optional[str] = ..., binding: _Optional[_Union[Binding, _Mapping]] = ...) -> None: ...

class ConsumeReply(_message.Message):
    __slots__ = ("ok", "why", "status")
    OK_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    why: str
    status: Status
    def __init__(self, ok: _Optional[bool] = ..., why: _Optional[str] = ..., status: _Optional[_Union[Status, _Mapping]] = ...) -> None: ...

class Vote(_message.Message):
    __slots__ = ("issuer", "subject", "email", "groups", "shown_digest", "justification", "narrowing", "wish", "signature")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    NARROWING_FIELD_NUMBER: _ClassVar[int]
    WISH_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    subject: str
    email: str
    groups: _containers.RepeatedScalarFieldContainer[str]
    shown_digest: str
    justification: str
    narrowing: Narrowing
    wish: Wish
    signature: Signature
    def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ..., email: _Optional[str] = ..., groups: _Optional[_Iterable[str]] = ..., shown_digest: _Optional[str] = ..., justification: _Optional[str] = ..., narrowing: _Optional[_Union[Narrowing, _Mapping]] = ..., wish: _Optional[_Union[Wish, _Mapping]] = ..., signature: _Optional[_Union[Signature, _Mapping]] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("credential", "client_data", "authenticator_data", "signature", "answer", "nonce", "expires_us", "public_key", "algorithm", "rp_id", "origin", "registered")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_DATA_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATOR_DATA_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    RP_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    credential: str
    client_data: str
    authenticator_data: str
    signature: str
    answer: str
    nonce: str
    expires_us: int
    public_key: str
    algorithm: int
    rp_id: str
    origin: str
    registered: str
    def __init__(self, credential: _Optional[str] = ..., client_data: _Optional[str] = ..., authenticator_data: _Optional[str] = ..., signature: _Optional[str] = ..., answer: _Optional[str] = ..., nonce: _Optional[str] = ..., expires_us: _Optional[int] = ..., public_key: _Optional[str] = ..., algorithm: _Optional[int] = ..., rp_id: _Optional[str] = ..., origin: _Optional[str] = ..., registered: _Optional[str] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("id", "phase", "binding", "terms", "shown_media", "shown_digest", "shown", "owner", "email", "session", "rule", "message", "justification", "facts", "requested_us", "expires_us", "changed_us", "grace_until_us", "waiting", "exchanges", "votes", "refusal", "withdrawn", "action", "jti", "risk", "tool", "hits", "missing", "deadline_us", "standing")
    ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    BINDING_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_MEDIA_FIELD_NUMBER: _ClassVar[int]
    SHOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_US_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    CHANGED_US_FIELD_NUMBER: _ClassVar[int]
    GRACE_UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    EXCHANGES_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    JTI_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    id: str
    phase: str
    binding: Binding
    terms: Terms
    shown_media: str
    shown_digest: str
    shown: bytes
    owner: str
    email: str
    session: str
    rule: str
    message: str
    justification: str
    facts: int
    requested_us: int
    expires_us: int
    changed_us: int
    grace_until_us: int
    waiting: _containers.RepeatedScalarFieldContainer[str]
    exchanges: _containers.RepeatedScalarFieldContainer[str]
    votes: _containers.RepeatedCompositeFieldContainer[Vote]
    refusal: Vote
    withdrawn: str
    action: str
    jti: str
    risk: str
    tool: str
    hits: int
    missing: int
    deadline_us: int
    standing: str
    def __init__(self, id: _Optional[str] = ..., phase: _Optional[str] = ..., binding: _Optional[_Union[Binding, _Mapping]] = ..., terms: _Optional[_Union[Terms, _Mapping]] = ..., shown_media: _Optional[str] = ..., shown_digest: _Optional[str] = ..., shown: _Optional[bytes] = ..., owner: _Optional[str] = ..., email: _Optional[str] = ..., session: _Optional[str] = ..., rule: _Optional[str] = ..., message: _Optional[str] = ..., justification: _Optional[str] = ..., facts: _Optional[int] = ..., requested_us: _Optional[int] = ..., expires_us: _Optional[int] = ..., changed_us: _Optional[int] = ..., grace_until_us: _Optional[int] = ..., waiting: _Optional[_Iterable[str]] = ..., exchanges: _Optional[_Iterable[str]] = ..., votes: _Optional[_Iterable[_Union[Vote, _Mapping]]] = ..., refusal: _Optional[_Union[Vote, _Mapping]] = ..., withdrawn: _Optional[str] = ..., action: _Optional[str] = ..., jti: _Optional[str] = ..., risk: _Optional[str] = ..., tool: _Optional[str] = ..., hits: _Optional[int] = ..., missing: _Optional[int] = ..., deadline_us: _Optional[int] = ..., standing: _Optional[str] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("all", "most")
    ALL_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    all: bool
    most: int
    def __init__(self, all: _Optional[bool] = ..., most: _Optional[int] = ...) -> None: ...

class ListReply(_message.Message):
    __slots__ = ("approvals", "open")
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    approvals: _containers.RepeatedCompositeFieldContainer[Approval]
    open: int
    def __init__(self, approvals: _Optional[_Iterable[_Union[Approval, _Mapping]]] = ..., open: _Optional[int] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("id", "shown_digest", "justification", "narrowing", "wish", "assertion")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHOWN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    NARROWING_FIELD_NUMBER: _ClassVar[int]
    WISH_FIELD_NUMBER: _ClassVar[int]
    ASSERTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    shown_digest: str
    justification: str
    narrowing: Narrowing
    wish: Wish
    assertion: str
    def __init__(self, id: _Optional[str] = ..., shown_digest: _Optional[str] = ..., justification: _Optional[str] = ..., narrowing: _Optional[_Union[Narrowing, _Mapping]] = ..., wish: _Optional[_Union[Wish, _Mapping]] = ..., assertion: _Optional[str] = ...) -> None: ...

class ChallengeRequest(_message.Message):
    __slots__ = ("kind", "answer")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    answer: Answer
    def __init__(self, kind: _Optional[str] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ...) -> None: ...

class Options(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: str
    def __init__(self, json: _Optional[str] = ...) -> None: ...

class ListAuthenticatorsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAuthenticatorsReply(_message.Message):
    __slots__ = ("authenticators", "offered", "required")
    AUTHENTICATORS_FIELD_NUMBER: _ClassVar[int]
    OFFERED_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    authenticators: _containers.RepeatedCompositeFieldContainer[Authenticator]
    offered: bool
    required: bool
    def __init__(self, authenticators: _Optional[_Iterable[_Union[Authenticator, _Mapping]]] = ..., offered: _Optional[bool] = ..., required: _Optional[bool] = ...) -> None: ...

class BeginRegistrationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("name", "response")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    name: str
    response: str
    def __init__(self, name: _Optional[str] = ..., response: _Optional[str] = ...) -> None: ...

class RemoveAuthenticatorRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Authenticator(_message.Message):
    __slots__ = ("id", "name", "added_us", "used_us", "removed_us", "origin")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDED_US_FIELD_NUMBER: _ClassVar[int]
    USED_US_FIELD_NUMBER: _ClassVar[int]
    REMOVED_US_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    added_us: int
    used_us: int
    removed_us: int
    origin: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., added_us: _Optional[int] = ..., used_us: _Optional[int] = ..., removed_us: _Optional[int] = ..., origin: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Standing(_message.Message):
    __slots__ = ("id", "phase", "issuer", "subject", "agent", "connection", "snapshot", "action", "uses", "given_us", "until_us", "votes", "break_glass", "approval", "rule", "own", "exchanges", "facts", "reviewed", "uses_left", "owes_review", "terms", "session")
    ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    GIVEN_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    BREAK_GLASS_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    EXCHANGES_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_FIELD_NUMBER: _ClassVar[int]
    USES_LEFT_FIELD_NUMBER: _ClassVar[int]
    OWES_REVIEW_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    phase: str
    issuer: str
    subject: str
    agent: str
    connection: str
    snapshot: str
    action: str
    uses: int
    given_us: int
    until_us: int
    votes: _containers.RepeatedCompositeFieldContainer[Vote]
    break_glass: bool
    approval: str
    rule: str
    own: _containers.RepeatedScalarFieldContainer[str]
    exchanges: _containers.RepeatedScalarFieldContainer[str]
    facts: int
    reviewed: StandingReview
    uses_left: int
    owes_review: bool
    terms: Terms
    session: str
    def __init__(self, id: _Optional[str] = ..., phase: _Optional[str] = ..., issuer: _Optional[str] = ..., subject: _Optional[str] = ..., agent: _Optional[str] = ..., connection: _Optional[str] = ..., snapshot: _Optional[str] = ..., action: _Optional[str] = ..., uses: _Optional[int] = ..., given_us: _Optional[int] = ..., until_us: _Optional[int] = ..., votes: _Optional[_Iterable[_Union[Vote, _Mapping]]] = ..., break_glass: _Optional[bool] = ..., approval: _Optional[str] = ..., rule: _Optional[str] = ..., own: _Optional[_Iterable[str]] = ..., exchanges: _Optional[_Iterable[str]] = ..., facts: _Optional[int] = ..., reviewed: _Optional[_Union[StandingReview, _Mapping]] = ..., uses_left: _Optional[int] = ..., owes_review: _Optional[bool] = ..., terms: _Optional[_Union[Terms, _Mapping]] = ..., session: _Optional[str] = ...) -> None: ...

class StandingReview(_message.Message):
    __slots__ = ("by", "words", "at_us", "n")
    BY_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    by: Person
    words: str
    at_us: int
    n: int
    def __init__(self, by: _Optional[_Union[Person, _Mapping]] = ..., words: _Optional[str] = ..., at_us: _Optional[int] = ..., n: _Optional[int] = ...) -> None: ...

class StandingAnswer(_message.Message):
    __slots__ = ("id", "words")
    ID_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    words: str
    def __init__(self, id: _Optional[str] = ..., words: _Optional[str] = ...) -> None: ...

class ListStandingRequest(_message.Message):
    __slots__ = ("all",)
    ALL_FIELD_NUMBER: _ClassVar[int]
    all: bool
    def __init__(self, all: _Optional[bool] = ...) -> None: ...

class ListStandingReply(_message.Message):
    __slots__ = ("standing",)
    STANDING_FIELD_NUMBER: _ClassVar[int]
    standing: _containers.RepeatedCompositeFieldContainer[Standing]
    def __init__(self, standing: _Optional[_Iterable[_Union[Standing, _Mapping]]] = ...) -> None: ...

class RevokeRequest(_message.Message):
    __slots__ = ("scope", "value", "issuer", "reason")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    scope: str
    value: str
    issuer: str
    reason: str
    def __init__(self, scope: _Optional[str] = ..., value: _Optional[str] = ..., issuer: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class LiftRequest(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("id", "phase", "scope", "value", "issuer", "reason", "by", "at_us", "lifted")
    ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    LIFTED_FIELD_NUMBER: _ClassVar[int]
    id: str
    phase: str
    scope: str
    value: str
    issuer: str
    reason: str
    by: Person
    at_us: int
    lifted: Lift
    def __init__(self, id: _Optional[str] = ..., phase: _Optional[str] = ..., scope: _Optional[str] = ..., value: _Optional[str] = ..., issuer: _Optional[str] = ..., reason: _Optional[str] = ..., by: _Optional[_Union[Person, _Mapping]] = ..., at_us: _Optional[int] = ..., lifted: _Optional[_Union[Lift, _Mapping]] = ...) -> None: ...

class Lift(_message.Message):
    __slots__ = ("reason", "by", "at_us")
    REASON_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    reason: str
    by: Person
    at_us: int
    def __init__(self, reason: _Optional[str] = ..., by: _Optional[_Union[Person, _Mapping]] = ..., at_us: _Optional[int] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("issuer", "subject", "email")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    subject: str
    email: str
    def __init__(self, issuer: _Optional[str] = ..., subject: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class ListRevocationsRequest(_message.Message):
    __slots__ = ("all",)
    ALL_FIELD_NUMBER: _ClassVar[int]
    all: bool
    def __init__(self, all: _Optional[bool] = ...) -> None: ...

class ListRevocationsReply(_message.Message):
    __slots__ = ("revocations",)
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    def __init__(self, revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ...) -> None: ...

class FollowRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RevocationChange(_message.Message):
    __slots__ = ("complete", "revocations")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    def __init__(self, complete: _Optional[bool] = ..., revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ...) -> None: ...
