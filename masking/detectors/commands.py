"""Passwords as they stand on command lines, in the environment and in netrc files."""

from masking import validators
from masking.detector import Detector

_VALUE = r"""[^\s"'`,;<>|&]{3,}"""
# What may stand between a tool and its option: two words, or one and three short ones. A context spans 96 bytes.
_WORDS = r"(?:(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}|[ \t][^\s|;&]{1,32}(?:[ \t][^\s|;&]{1,12}){1,3})"
_FEWER = r"(?:(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}|[ \t][^\s|;&]{1,16}(?:[ \t][^\s|;&]{1,10}){1,3})"
# Each tool by its own option: elsewhere `-a` and `-p` mean a hundred other things.
_TOOL = (
    rf"\b(?:redis-cli{_WORDS}[ \t]{{1,2}}(?:-a|--pass)[ \t]{{1,2}}"
    rf"|(?:mysql|mysqldump|mysqladmin|mariadb){_WORDS}[ \t]{{1,2}}-p"
    r"|sshpass[ \t]{1,2}-p[ \t]{0,2}"
    rf"|docker login{_WORDS}[ \t]{{1,2}}-p[ \t]{{1,2}}"
    r"|(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|SSHPASS)(?:=|[\"'][ ]?:[ ]?))"
)
_CURL = rf"\bcurl{_FEWER}[ \t]{{1,2}}(?:-u|--user|--proxy-user)[ \t=]{{0,2}}[\"']?[^\s:\"']{{1,20}}:"
_OPTION = r"[ \t]--(?:password|passwd|pass|passphrase)"

COMMAND_PASSWORD = Detector(
    name="command_password",
    pattern=_VALUE,
    context=rf"(?:{_TOOL}|{_CURL})[\"']?",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=(
        "redis-cli -h cache -a «hunter2pw» ping",
        "redis-cli -h cache -p 6379 -a «hunter2pw» ping",
        "mysql -u root -p'«s3cret1»' ledger, mysqldump -p«s3cret1» ledger",
        "mysql -h db -u root -p«hunter22» ledger, mysql --host=db.example.com --user=root -p«hunter22»",
        "sshpass -p «hunter2» ssh x",
        "docker login -u me -p «hunter2»",
        "docker login registry.example.com -u me -p «hunter22»",
        "curl -s -u me:«pass1234» https://x",
        "curl -s -X POST -u me:«pass1234» https://x",
        "PGPASSWORD=«hunter2» psql -h db",
        "PGPASSWORD=«" + "hunter2." * 40 + "» psql -h db",
        '{"env":{"PGPASSWORD":"«hunter2»","MYSQL_PWD": "«hunter2»"}}',
    ),
    negative=("mysql -p", "mysql -u root -p$PASS", "curl -u me:${PASS} x", "redis-cli -a", "mkdir -p abcdef"),
)


def _quoted(quote: str, *positive: str) -> Detector:
    """The same between quotes, where blanks and commas belong to the password."""
    return Detector(
        name="command_password",
        pattern=rf"[^{quote}\r\n]{{3,}}",
        context=rf"(?:{_TOOL}|{_OPTION}(?:=|[ \t]{{1,2}})){quote}",
        decisive=".{3}",
        groups=("secrets", "tokens"),
        validate=validators.argument,
        positive=positive,
        negative=(f"mysql -p{quote}{quote} x", f"tool --password {quote}$PASS{quote}"),
    )


QUOTED = _quoted(
    '"',
    'tool --password "«correct horse battery»" run',
    'tool --password="«p,a;b|c»"',
    'redis-cli -a "«pa ss»"',
)
QUOTED_ONCE = _quoted(
    "'",
    "sshpass -p '«hunter 2»' ssh x, sshpass -p '«my pass word»'",
    "mysql --password='«two words»'",
    "mysql -p'«a,b;c»'",
)

OPTION_PASSWORD = Detector(
    name="command_password",
    pattern=_VALUE,
    context=rf"{_OPTION}=[\"']?",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=("mysql --password=«s3cret1» x", "tool --pass='«hunter»' run"),
    negative=("--password-stdin", "tool --password=PASSWORD"),
)

OPTION_WORD = Detector(
    name="command_password",
    # Behind a blank a word of small letters is one of the sentence, as often as not.
    pattern=_VALUE,
    context=rf"(?:{_OPTION}[ \t]{{1,2}}|\b(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|SSHPASS): )",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.no_word,
    positive=("tool --password «hunter2x» run", "PGPASSWORD: «hunter2»"),
    negative=(
        "tool --password PASSWORD",
        "tool --password --verbose",
        "tool --password <password>",
        "The --password flag sets the password; add --password option. Run tool with --password and press enter.",
        "Pass --pass when needed. Is it --passwd or --passphrase instead?",
    ),
)

NETRC = Detector(
    name="command_password",
    pattern=r"[^\s]{1,128}",
    context=(
        r"(?:\bmachine[ \t\r\n]{1,2}[^\s]{1,28}|\bdefault)[ \t\r\n]{1,4}login[ \t\r\n]{1,2}[^\s]{1,24}[ \t\r\n]{1,4}"
        r"password[ \t]{1,2}"
        r"|\bmachine[ \t][^\s]{1,50}[ \t\r\n]{1,3}login[ \t][^\s]{1,16}[ \t\r\n]{1,3}password[ \t]"
    ),
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.password,
    positive=(
        "machine api.example login ada password «zZ9secret»",
        "machine h\n  login u\n  password «abc»\n",
        "machine db.cluster-abc123xyz.eu-west-1.rds.amazonaws.com login ada password «zZ9secret»",
    ),
    negative=("the machine asks for login and password twice",),
)
