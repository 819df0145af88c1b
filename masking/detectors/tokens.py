"""Secrets that no single vendor issues: web tokens, private keys, passwords in addresses, headers and assignments."""

from masking import validators
from masking.detector import Detector

_B64URL = r"[A-Za-z0-9_\-]"

JWT = Detector(
    name="jwt",
    # base64url of `{"`, `{ `, `{` + line break …: eyJ, eyA, ewo, ewk, ew0. One dot, or two where an encrypted token has
    # no key of its own (alg dir). A header with a certificate chain in it is too long to hold: known by its first 500.
    # `e30` is the shortest payload there is: `{}`.
    pattern=rf"\be[wy]{_B64URL}{{12,499}}\.(?:e30\.|\.)?{_B64URL}{{8}}",
    swallow=r"[A-Za-z0-9_.\-]",
    decisive=rf"e[wy]{_B64URL}{{14}}",
    groups=("secrets", "tokens"),
    validate=validators.json_base64,
    positive=(
        "«eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U» ok",
        "«ewogICJhbGciOiAiUlMyNTYiCn0" + ".eyJpc3MiOiJ4In0.c2lnbmF0dXJl»",
        "«eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0" + "..AAAAAAAAAAAAAAAA.BBBBBBBBBBBB.CCCCCCCCCCCC»",
        "«eyAiYWxnIjogIm5vbmUiIH0" + ".eyJhIjoxfQ1234.»",
        "«eyJhbGciOiJIUzI1NiJ9" + ".e30.dozjgNryP4J3jVmNHl0w5N»",
    ),
    negative=("eyJhbGciOiJIUzI1NiJ9", "eyes.wide.shut", "eyebrow-raising-headline.example-domain"),
)

JWT_LONG = Detector(
    name="jwt",
    pattern=rf"\be[wy]{_B64URL}{{500}}",
    swallow=r"[A-Za-z0-9_.\-]",
    decisive=rf"e[wy]{_B64URL}{{14}}",
    groups=("secrets", "tokens"),
    validate=validators.json_base64,
    positive=("«eyJ4NWMiOlsi" + "TUlJQmphYmNkZWZn" * 40 + ".eyJzdWIiOiIxIn0.abc»",),
    negative=("ewe" + "x" * 600,),
)

PRIVATE_KEY = Detector(
    name="private_key",
    pattern=r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----",
    # Armour headers hold names and version texts, so nearly everything may stand between BEGIN and END.
    swallow=r"""[^"<>{};]""",
    until=r"-----END [A-Z0-9 ]{0,40}-----",
    decisive="-----BEGIN [A-Z0-9 ]{0,30}PRIV",
    groups=("secrets", "tokens"),
    positive=(
        "«-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEpAIBAAKCAQEA\n+/abc==\n-----END RSA PRIVATE KEY-----»\nnext",
        "«-----BEGIN PGP PRIVATE"
        + " KEY BLOCK-----\nVersion: GnuPG v2.0.22 (GNU/Linux)\n\nlQOYBF\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----»",
        '"«-----BEGIN PRIVATE' + ' KEY-----\\nMIIEvQ\\n-----END PRIVATE KEY-----»\\n"',
    ),
    negative=("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----"),
)

SSH2_KEY = Detector(
    name="private_key",
    pattern=r"---- BEGIN SSH2 [A-Z ]{0,20}PRIVATE KEY ----",
    swallow=r"""[^"<>{};]""",
    until=r"---- END SSH2 [A-Z ]{0,20}PRIVATE KEY ----",
    decisive="---- BEGIN SSH2 [A-Z ]{0,20}PRIV",
    groups=("secrets", "tokens"),
    positive=("«---- BEGIN SSH2 ENCRYPTED PRIVATE" + " KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----»\nx",),
)

PUTTY_KEY = Detector(
    name="private_key",
    pattern=r"\bPuTTY-User-Key-File-[0-9]:",
    swallow=r"""[^"<>{};]""",
    until=r"Private-MAC: [0-9a-f]{40,64}",
    decisive="PuTTY-User-Key-File-",
    groups=("secrets", "tokens"),
    positive=(
        "«PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nAAAA\nPrivate-MAC: " + "0123456789abcdef0123" * 2 + "»\nx",
    ),
)

AGE_KEY = Detector(
    name="private_key",
    pattern=r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b",
    decisive="AGE-SECRET-KEY-1[A-Z0-9]{4}",
    groups=("secrets", "tokens"),
    positive=("«AGE-SECRET-KEY-1" + "QPZRY9X8GF" * 5 + "QPZRY9X8»",),
    negative=("AGE-SECRET-KEY-1",),
)

URL_PASSWORD = Detector(
    name="url_password",
    pattern=r"""[^\s"'<>/\\]{1,128}@""",
    context=r"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s\"'<>:@/]{0,48}:",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.before_at,
    positive=(
        "postgres://app:«s3cr3t!»@db.example:5432/x",
        "mongodb+srv://u:«p%40ss»@cluster0.mongodb.net",
        "redis://:«hunter2»@cache:6379",
        "https://me:«tok»@host/path",
        "postgres://app:«p@ss»@db/x and amqp://a:«qq1»@h1,amqp://a:«qq2»@h2",
    ),
    negative=(
        "http://host:8080/path",
        "postgres://app@db/x",
        "see https://a.b/c: d@e",
        "see http://localhost:8080,admin@example.com",
        "http://localhost:8080?user=admin@example.com",
    ),
)

CONNECTION_PASSWORD = Detector(
    name="url_password",
    # In connection strings and queries. Not behind a blank or a comma: that is how code passes arguments.
    pattern=r"""[^\s;"'&,<>]{3,}""",
    context=r"""[;?&] ?(?:password|passwd|pwd)=""",
    ignore_case=True,
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.password,
    positive=(
        "Server=db;User Id=sa;Password=«Pa55word!»;Encrypt=true",
        "jdbc:x;user=a;pwd=«abc123»",
        "?user=a&password=«abc123»&x=1",
        "a;password=«npm_" + "a1B2c3D4e5" * 20 + "»;x",
    ),
    negative=("a;Password=;", "the password is", "f(user=user, password=password)"),
)

CONNECTION_WORDS = Detector(
    name="url_password",
    pattern=r"""[^\s;"'&,<>]{3,}""",
    # libpq's key words, and an ADO string that begins with the password
    context=r"""(?:\b(?:user|dbname|host|port)=[^\s,"']{1,40} p|["'][Pp])assword=""",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.password,
    positive=("host=db user=app password=«s3cr3t» dbname=x", 'cs = "Password=«Pa55word!»;Server=db"'),
    negative=("f(host=host, password=password)",),
)

BEARER = Detector(
    name="bearer_token",
    pattern=r"[A-Za-z0-9._~+/=\-]{16,}",
    context=r"\b[Bb](?:earer|EARER)(?:[ \t]{1,4}|%20|\+)",
    decisive="[A-Za-z0-9._~+/=-]{8}",
    groups=("secrets", "tokens"),
    validate=validators.opaque(16),
    positive=("Authorization: Bearer «mF_9.B5f-4.1JqMabcdef»", '"Bearer «abcdef0123456789abcdef»"'),
    negative=("Bearer authentication", "bearer of bad news", "Bearer token"),
)

BASIC_STORED = Detector(
    name="basic_credentials",
    # Docker's config.json, npm's .npmrc
    pattern=r"[A-Za-z0-9+/]{8,}",
    swallow=r"[A-Za-z0-9+/=]",
    context=r"(?:[\"']auth[\"'][ ]?:[ ]?[\"']|\b_auth[ ]?=[ ]?[\"']?)",
    decisive="[A-Za-z0-9+/]{6}",
    groups=("secrets", "tokens"),
    validate=validators.basic,
    positive=('{"auths":{"r":{"auth":"«QWxhZGRpbjpvcGVuIHNlc2FtZQ==»"}}}', "//r/:_auth=«dXNlcjpwYXNz»"),
    negative=('"auth":"required"',),
)

HEADER_SECRET = Detector(
    name="header_secret",
    pattern=r"[A-Za-z0-9._~+/=\-]{16,}",
    context=(
        r"\b(?:x-api-key|api-key|x-(?:auth|access|vault|gitlab)-token|private-token|(?:proxy-)?authorization)"
        r"""["']?[ ]{0,2}[:=][ ]{0,2}["'\[]?(?:[A-Za-z]{1,10} )?"""
    ),
    ignore_case=True,
    decisive="[A-Za-z0-9._~+/=-]{8}",
    groups=("secrets", "tokens"),
    validate=validators.opaque(16),
    positive=(
        "X-Api-Key: «0123abcd4567efgh89»",
        ' "authorization": "ApiKey «VnVhQ2ZHY0JDZGJrUW0»", {X-Api-Key=[«0123abcd4567efgh89»]}',
    ),
    negative=("x-api-key: required-by-policy", "authorization: none"),
)

BASIC = Detector(
    name="basic_credentials",
    pattern=r"[A-Za-z0-9+/]{8,}",
    swallow=r"[A-Za-z0-9+/=]",
    context=r"\b(?:[Bb]asic|BASIC)[ \t]{1,4}",
    decisive="[A-Za-z0-9+/]{6}",
    groups=("secrets", "tokens"),
    validate=validators.basic,
    positive=("Authorization: Basic «QWxhZGRpbjpvcGVuIHNlc2FtZQ==»", "Basic «dXNlcjpwYXNz»"),
    negative=("Basic authentication", "Basic understanding"),
)
