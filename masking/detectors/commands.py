"""Passwords as they stand on command lines, in the environment and in netrc files."""

from masking import validators
from masking.detector import Detector

_VALUE = r"""[^\s"'`,;<>|&]{3,128}"""

COMMAND_PASSWORD = Detector(
    name="command_password",
    # Each tool by its own option: elsewhere `-a` and `-p` mean a hundred other things.
    pattern=_VALUE,
    context=(
        r"\b(?:redis-cli(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}[ \t]{1,2}(?:-a|--pass)[ \t]{1,2}"
        r"|(?:mysql|mysqldump|mysqladmin|mariadb)(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}[ \t]{1,2}-p"
        r"|sshpass[ \t]{1,2}-p[ \t]{0,2}"
        r"|docker login(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}[ \t]{1,2}-p[ \t]{1,2}"
        r"|curl(?:[ \t]{1,2}[^\s|;&]{1,20}){0,2}[ \t]{1,2}(?:-u|--user|--proxy-user)[ \t=]{0,2}[\"']?[^\s:\"']{1,20}:"
        r"|(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|SSHPASS)=)[\"']?"
    ),
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=(
        "redis-cli -h cache -a «hunter2pw» ping",
        "mysql -u root -p'«s3cret1»' ledger, mysqldump -p«s3cret1» ledger",
        "sshpass -p «hunter2» ssh x",
        "docker login -u me -p «hunter2»",
        "curl -s -u me:«pass1234» https://x",
        "PGPASSWORD=«hunter2» psql -h db",
    ),
    negative=("mysql -p", "mysql -u root -p$PASS", "curl -u me:${PASS} x", "redis-cli -a", "mkdir -p abcdef"),
)

OPTION_PASSWORD = Detector(
    name="command_password",
    pattern=_VALUE,
    context=r"[ \t]--(?:password|passwd|pass|passphrase)(?:=|[ \t]{1,2})[\"']?",
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.argument,
    positive=("mysql --password=«s3cret1» x", "tool --password '«hunter2x»' run"),
    negative=(
        "tool --password PASSWORD",
        "--password-stdin",
        "tool --password --verbose",
        "tool --password <password>",
    ),
)

NETRC = Detector(
    name="command_password",
    pattern=r"[^\s]{1,128}",
    context=(
        r"(?:\bmachine[ \t\r\n]{1,2}[^\s]{1,28}|\bdefault)[ \t\r\n]{1,4}login[ \t\r\n]{1,2}[^\s]{1,24}[ \t\r\n]{1,4}"
        r"password[ \t]{1,2}"
    ),
    decisive=".{3}",
    groups=("secrets", "tokens"),
    validate=validators.password,
    positive=("machine api.example login ada password «zZ9secret»", "machine h\n  login u\n  password «abc»\n"),
    negative=("the machine asks for login and password twice",),
)
