"""Passwords and keys that only the name before them tells: in SQL, markup, code and configuration; and their hashes."""

from masking import validators
from masking.detector import Detector

STATED_SQL = Detector(
    name="stated_password",
    pattern=r"""[^'"\r\n]{3,}""",
    context=(
        r"(?i:\bidentified (?:with [a-z0-9_]{1,24} )?by(?: password)?"
        r"|\b(?:with|encrypted|unencrypted|set|login) password(?: ?=)?|\b(?:user|role|login) [^\s]{1,40} password)"
        r" ['\"]"
    ),
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=(
        "CREATE USER app WITH PASSWORD '«S3cr3t, pw»';",
        "ALTER USER app IDENTIFIED BY '«S3cr3tP4ss»'",
        'alter role app with encrypted password "«s3cret»"',
        "CREATE LOGIN app WITH PASSWORD = '«S3cr3tP4ss»';",
    ),
    negative=("IDENTIFIED BY ''", "WITH PASSWORD '$1'", "log in with password 'secret'"),
)

_WORD = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|pin|cvv|cvc|client-?secret|api-?key|private-?key"
    r"|(?:access|refresh)-?token)"
)

FIELD_MARKUP = Detector(
    name="field_password",
    # What key rules are for JSON: masked, but sending it in a field of its own is no leak of a key (pack `secrets`).
    # Schemas and forms have elements without text, or with other elements in them.
    pattern=r"""[^<>"'\s][^<>\r\n]{2,}""",
    context=rf"<(?:[a-z0-9]{{1,12}}:)?(?:[a-z0-9_]{{0,16}}[_-])?{_WORD}(?: [^<>]{{0,24}})?>",
    ignore_case=True,
    decisive=".{3}",
    groups=("fields",),
    validate=validators.password,
    positive=(
        "<password>«Hunter2-Hunter2»</password>",
        '<wsse:Password Type="text">«two words»</wsse:Password>',
        "<db_password>«abc123»</db_password><clientSecret>«abc123»</clientSecret>",
    ),
    negative=("<password/>", "<password></password>", "<passwords>all</passwords>", "<pin><a>x</a></pin>"),
)

FIELD_ATTRIBUTE = Detector(
    name="field_password",
    # <add key="ApiKey" value="…"/> (.NET), <property name="password" value="…"/> (Java), and the same in YAML's lists.
    pattern=r"""[^<>"'\s]{3,}""",
    context=(
        rf"""(?:key|name)(?:=["']|: ?["']?)[a-z0-9_.:\-]{{0,24}}{_WORD}["']?[ \t\r\n,]{{1,12}}"""
        rf"""value(?:=["']|: ?["']?)"""
    ),
    ignore_case=True,
    decisive=".{3}",
    groups=("fields",),
    validate=validators.no_word,
    positive=(
        '<add key="ApiKey" value="«0123abcd»"/>',
        '<property name="hibernate.connection.password" value="«S3cret»"/>',
        "- name: DB_PASSWORD\n  value: «S3cr3tP4ss»\n",
    ),
    negative=(
        '<input name="password" value=""/>',
        "- name: password\n  value: required\n",
        '<add key="Api" value="12"/>',
    ),
)

STATED_CALL = Detector(
    name="stated_password",
    # How clients of HTTP take a user and a password; how PHP names a constant.
    pattern=r"""[^"'\r\n]{3,}""",
    context=(
        r"""(?:\b(?:auth|BasicAuth|basic_auth|basicAuth|SetBasicAuth)(?:=| ?= ?)?\(["'][^"'\r\n]{1,40}["'], ?"""
        r"""|\bdefine\(["'][A-Z_]{0,24}(?:PASSWORD|PASS|SECRET|KEY|SALT|TOKEN)["'], ?)["']"""
    ),
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=(
        "requests.get(url, auth=('me', '«S3cr3tPass»'))",
        'req.SetBasicAuth("me", "«s3cret»")',
        "define('DB_PASSWORD', '«S3cr3t P4ss!»');",
    ),
    negative=("auth=(user, password)", "auth=('me', '')", "define('DB_USER', 'wordpress');"),
)

ORACLE = Detector(
    name="url_password",
    pattern=r"""[^\s"'<>/\\@]{1,128}@""",
    context=r"(?:\bjdbc:oracle:[a-z0-9]{2,5}:|\bsqlplus (?:-[A-Za-z]{1,2} ){0,2})[^\s\"'<>:@/]{1,30}/",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.before_at,
    positive=("jdbc:oracle:thin:scott/«t1ger»@//db:1521/x", "sqlplus -s scott/«t1ger»@db"),
    negative=("jdbc:oracle:thin:@//db:1521/x", "sqlplus /nolog"),
)

HASH = Detector(
    name="password_hash",
    # crypt(3): bcrypt, MD5, SHA-2, yescrypt; Argon2 (PHC string format); RFC 2307 as directories hold it.
    pattern=(
        r"(?:\$2[abxy]\$[0-3][0-9]\$[./A-Za-z0-9]{53}|\$(?:1|[56]|y|gy|7)\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,86}\$"
        r"[./A-Za-z0-9]{22,86}|\$argon2(?:id|i|d)\$v=[0-9]{1,3}\$m=[0-9,=tp]{1,40}\$[A-Za-z0-9+/]{8,86}\$[A-Za-z0-9+/]{20,86}"
        r"|\{(?:SSHA|SHA|SMD5|MD5|CRYPT)[0-9]{0,3}\}[A-Za-z0-9+/$.=]{16,160})"
    ),
    decisive=r"(?:\$[0-9a-z]{1,8}\$.{24}|\{[A-Z0-9]{3,8}\}.{12})",
    groups=("secrets", "tokens"),
    positive=(
        "root:«$6$rounds=5000$abcdefgh$" + "aB3dE6gH9j/" * 7 + "123456789»:19000:",
        "hash «$2b$12$" + "aB3dE6gH9jK2mN5pQ8sT1v" * 2 + "aB3dE6gH9».",
        "«$argon2id$v=19$m=65536,t=3,p=4$" + "c29tZXNhbHQ$RdescudvJCsgt3ub+b27zHRbUVpyyLo»",
        "userPassword: «{SSHA}" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL»",
    ),
    negative=("it costs $6 or $5$", "$1$2", "{SHA256}", "regex ^$2a$"),
)

KEY_IN_BASE64 = Detector(
    name="private_key",
    # A PEM file in base64, as kubeconfig and Secrets hold it: `-----BEGIN … PRIVATE KEY`.
    pattern=(
        r"\bLS0tLS1CRUdJTi(?:BSU0EgUFJJVkFURSBLRVkt|BQUklWQVRFIEtFWS0t|BFQyBQUklWQVRFIEtFWS0t|BEU0EgUFJJVkFURSBLRVkt"
        r"|BPUEVOU1NIIFBSSVZBVEUgS0VZ|BFTkNSWVBURUQgUFJJVkFURSBLRVkt|BQR1AgUFJJVkFURSBLRVkg)"
    ),
    swallow="[A-Za-z0-9+/=]",
    decisive="LS0tLS1CRUdJTi.{8}",
    groups=("secrets", "tokens"),
    positive=("client-key-data: «LS0tLS1CRUdJTi" + "BSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF==»\n",),
    negative=("client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=",),
)

_NAMES = (
    r"(?:pass(?:word|wd|phrase)|secret(?:[_-]?key)?(?:[_-]?base)?|(?:access|api|app|auth|consumer|encryption|hmac|jwt|license|"
    r"master|private|session|shared|signing|webhook)[_-]?(?:key|secret|token)|(?:id|refresh)[_-]?token|credentials?)"
)
_ASSIGNS = r"""[\\]?["']?[ \t]{0,4}(?:[:=]|=>|:=)[ \t]{0,4}[\\]?["']?"""

ASSIGNED = Detector(
    name="assigned_secret",
    # `password: …`, `"client_secret":"…"`: only values that look like secrets, so that prose and schemas stay.
    pattern=r"""[^\s"'`,;<>(){}\[\]]{8,}""",
    context=_NAMES + _ASSIGNS,
    ignore_case=True,
    decisive=".{6}",
    groups=("assigned",),
    validate=validators.assigned(8),
    positive=(
        "password: «hunter2hunter3»",
        '"client_secret":"«Zx81-Spectrum-48k»"',
        "API_KEY=«0123abcd4567efgh»",
        "ENCRYPTION_KEY=«0123abcd4567efgh», SECRET_KEY_BASE: «0123abcd4567efgh»",
        "password = «npm_" + "a1B2c3D4e5" * 20 + "»",
    ),
    negative=("password: required", '"secret": "projects"', "max_tokens: 4096", "apiKey: process.env.API_KEY_2"),
)

ASSIGNED_TOKEN = Detector(
    name="assigned_secret",
    # A token may be one of a text, a list's next page or a currency: only what is long.
    pattern=r"""[^\s"'`,;<>(){}\[\]&]{24,}""",
    context=rf"(?:\b|_)(?:token|sid|sessionid|jsessionid){_ASSIGNS}",
    ignore_case=True,
    decisive=".{12}",
    groups=("assigned",),
    validate=validators.assigned(24),
    positive=("token: «aB3dE6gH9jK2mN5pQ8sT1vW4yZ7»", "GET /reset?token=«aB3dE6gH9jK2mN5pQ8sT1vW4yZ7»&x=1"),
    negative=("token: gpt-4o-2024-08", "next_token=none", "max_token: 4096"),
)

ASSIGNED_PROSE = Detector(
    name="assigned_secret",
    pattern=r"""[^\s"'`,;<>(){}\[\]]{6,64}""",
    context=r"""\b(?:password|passcode|passphrase) (?:is|was)(?: now)?:? ["'`]?""",
    ignore_case=True,
    decisive=".{6}",
    groups=("assigned",),
    validate=validators.opaque(6),
    positive=("Your temporary password is «Tr0ub4dor&3», please change it.",),
    negative=("The password is required.", "the password is 8 characters long"),
)
