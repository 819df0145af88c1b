"""Keys of the cloud providers."""

from masking import validators
from masking.detector import LINK, Detector, prefixed

AWS_KEY_ID = prefixed(
    "aws_access_key",
    # AKIA and ASIA are keys; the others name users, roles and the like, and are as telling (IAM, unique identifiers).
    "A3T[A-Z0-9]|ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|APKA|AROA|ASCA|ASIA",
    "[A-Z0-9]{16,}",
    "cloud",
    positive=("key «AKIA" + "IOSFODNN7EXAMPLE» ok", '"«ASIA' + 'Y34FZKBOKMUTVV7A»"'),
    negative=("AKIA1234", "akiaiosfodnn7example", "XAKIAIOSFODNN7EXAMPLE"),
)

AWS_SECRET = Detector(
    name="aws_secret_key",
    pattern=r"[A-Za-z0-9/+]{40,}",
    context=rf"\b(?:aws[ _-]?)?secret[ _-]?(?:access[ _-]?)?key{LINK}",
    ignore_case=True,
    decisive="[A-Za-z0-9/+]{8}",
    groups=("secrets", "cloud"),
    positive=(
        "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEY»",
        '"SecretAccessKey": "«wJalrXUtnFEMI/K7MDENG/bPxRfi' + 'CYEXAMPLEKEY»"',
    ),
    negative=("secret key: none",),
)

AWS_PAIR = Detector(
    name="aws_secret_key",
    # The console's CSV: the key id, a separator, the key.
    pattern=r"[A-Za-z0-9/+]{40,}",
    context=r"\bA[KS]IA[A-Z0-9]{16}[\"']?[ ]?[,;:|\t/ ][ ]?[\"']?",
    decisive="[A-Za-z0-9/+]{8}",
    groups=("secrets", "cloud"),
    positive=("AKIA" + "IOSFODNN7EXAMPLE,«wJalrXUtnFEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEY»",),
    negative=("AKIA" + "IOSFODNN7EXAMPLE,none",),
)

AWS_SESSION = Detector(
    name="aws_session_token",
    pattern=r"[A-Za-z0-9/+=]{80,}",
    context=rf"\b(?:aws[ _-]?)?(?:session|security)[ _-]?token{LINK}",
    ignore_case=True,
    decisive="[A-Za-z0-9/+=]{16}",
    groups=("secrets", "cloud"),
    positive=('"SessionToken": "«' + "IQoJb3JpZ2luX2VjE/+" * 6 + '==»"',),
    negative=("session token: abc",),
)

AWS_BEDROCK = prefixed(
    "aws_bedrock_key",
    "ABSK|bedrock-api-key-",
    "[A-Za-z0-9+/=]{80,}",
    "cloud",
    positive=("«ABSK" + "QmVkcm9ja0FQSUtleS1" * 5 + "==»",),
    negative=("ABSKY", "bedrock-api-key-id"),
)

AWS_MWS = Detector(
    name="aws_mws_key",
    pattern=r"\bamzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    decisive=r"amzn\.mws\.[0-9a-f]{4}",
    groups=("secrets", "cloud"),
    positive=("«amzn.mws.4ea38b7b-f563-7709-4bae-87aea15c5d2e»",),
    negative=("amzn.mws.none",),
)

GCP_KEY = prefixed(
    "gcp_api_key",
    "AIza",
    r"[A-Za-z0-9_\-]{35,}",
    "cloud",
    positive=("key=«AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY»",),
    negative=("AIzaShort",),
)

GCP_OAUTH = prefixed(
    "gcp_oauth_token",
    r"ya29\.|1//0",
    r"[A-Za-z0-9_.\-]{20,}",
    "cloud",
    positive=("«ya29." + "a0AfH6SMBx-abcdefghijklmnop_qrs»", "«1//0" + "gabcdefghijklmnopqrstuvwxyz-L9Ir»"),
    negative=("ya29.x",),
)

GCP_CLIENT_SECRET = prefixed(
    "gcp_client_secret",
    "GOCSPX-",
    r"[A-Za-z0-9_\-]{28,}",
    "cloud",
    positive=("«GOCSPX-" + "abcdefghijklmnopqrstuvwx1234»",),
    negative=("GOCSPX-abc",),
)

GCP_HMAC = prefixed(
    "gcp_hmac_key",
    "GOOG1E?|GOOG",
    r"[A-Z0-9]{20,}",
    "cloud",
    positive=("«GOOG1E" + "BSWKJW6OMRM3XABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGH»",),
    negative=("GOOGLE", "GOOG1E short"),
)

AZURE_STORAGE = Detector(
    name="azure_storage_key",
    # Connection strings and the 88 base64 characters of a 64-byte account key.
    pattern=r"[A-Za-z0-9+/]{40,}",
    swallow=r"[A-Za-z0-9+/=]",
    context=r"\b(?:AccountKey|SharedAccessKey|SharedSecretValue|account[_ -]key)[\"']?[ ]{0,2}[=:][ ]{0,2}[\"']?",
    ignore_case=True,
    decisive="[A-Za-z0-9+/]{8}",
    groups=("secrets", "cloud"),
    positive=(
        "AccountName=x;AccountKey=«"
        + "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"
        + "OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==»;",
        "SharedAccessKeyName=Root;SharedAccessKey=«" + "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG=»",
    ),
    negative=("AccountKey=none;",),
)

AZURE_MARKED = Detector(
    name="azure_key",
    # Keys with Microsoft's own mark in the middle: DevOps tokens, API keys of AI services, storage, Cosmos and more.
    # The mark comes late: without a word before it, every word of a text would have to be held.
    pattern=(
        r"[A-Za-z0-9+/]{33,80}(?:JQQJ9|AZDO|AzFu|AzSe|AzCa|\+(?:ASt|ACDb|ABa|AMC|ASb|AEh|ARm|ACR|APIM|AIoT))[A-Za-z0-9+/]{4,}"
    ),
    swallow=r"[A-Za-z0-9+/=]",
    context=rf"(?:key|token|secret|pat|password|credential)s?[0-9]?{LINK}",
    ignore_case=True,
    decisive="[A-Za-z0-9+/]{33}",
    groups=("secrets", "cloud"),
    validate=validators.opaque(40),
    positive=(
        "api-key: «" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nR6tX9bD2fJ5kM8pS1u" + "JQQJ99BAACYeBjFXJ3w3AAABACOGabcd»",
        "AZURE_DEVOPS_PAT=«"
        + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nR6tX9bD2fJ5kM8pS1uV4xZ7aC0eG3i"
        + "AAAAAAAAAAAAASAZDO1abc»",
    ),
    negative=("JQQJ99", "aGVsbG8gd29ybGQ="),
)

AZURE_CLIENT_SECRET = Detector(
    name="azure_client_secret",
    # The first three characters say nothing yet; holding them would hold the first three of every word.
    pattern=r"[0-9]Q~[A-Za-z0-9_~.\-]{31,}",
    context=r"[A-Za-z0-9_~.\-]{3}",
    decisive=r"[0-9]Q~[A-Za-z0-9_~.\-]{4}",
    groups=("secrets", "cloud"),
    positive=("secret abc«8Q~" + "defGHI-jklMNO_pqrSTU.vwxYZ012~345a»",),
    negative=("abc8Q~short",),
)

AZURE_SAS = Detector(
    name="azure_sas",
    pattern=r"[A-Za-z0-9%+/=_\-]{20,}",
    context=r"[?&;](?:sig|code)=",
    decisive="[A-Za-z0-9%+/]{8}",
    groups=("secrets", "cloud"),
    validate=validators.opaque(20),
    positive=("https://x.blob.core.windows.net/c?sv=2022&sig=«" + "abcDEF123%2Bghi456JKL789mno%3D»&se=2025",),
    negative=("?sig=none", "?code=200"),
)
