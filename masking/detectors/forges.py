"""Tokens of code hosts and package registries."""

from masking.detector import Detector, prefixed

GITHUB = prefixed(
    "github_token",
    # Personal, OAuth, user-to-server, server-to-server, refresh. GitHub announced lengths up to 255 and more.
    "gh[pousr]_",
    "[A-Za-z0-9_]{36,}",
    "forges",
    positive=("«ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8»", "token «ghs_" + "Z9y8X7w6V5" * 6 + "», ok"),
    negative=("ghp_short", "xghp_" + "a1B2c3D4e5" * 4),
)

GITHUB_FINE = prefixed(
    "github_token",
    "github_pat_",
    "[A-Za-z0-9_]{22,}",
    "forges",
    positive=("«github_pat_" + "11ABCDEFG0abcdefghijkl_" + "mnopqrstuv" * 6 + "»",),
    negative=("github_pat_",),
)

GITHUB_APP_JWT = Detector(
    name="github_token",
    # Stateless installation tokens: the prefix, then a JSON web token.
    pattern=r"\bghs_[A-Za-z0-9_]{1,24}_?ey[JA][A-Za-z0-9_\-]{16,}",
    swallow=r"[A-Za-z0-9_.\-]",
    decisive="ghs_[A-Za-z0-9_]{4}",
    groups=("secrets", "forges"),
    positive=("«ghs_123456_eyJ" + "hbGciOiJIUzI1NiJ9abcdef.eyJzdWIiOiIxIn0.abc-_12»",),
    negative=("ghs_12_eyJ",),
)

GITLAB = prefixed(
    "gitlab_token",
    # GitLab docs, "Token prefixes": personal, OAuth secret, deploy, runner, runner registration, CI job, pipeline
    # trigger, feed, incoming mail, agent, workspace, SCIM, feature flags client; and the old registration token.
    "gl(?:pat|oas|dt|rtr|rt|cbt|ptt|ft|imt|agent|wt|soat|ffct)-|GR1348941",
    r"[A-Za-z0-9_.\-]{20,}",
    "forges",
    positive=(
        "«glpat-" + "z_sxgtrfAxKr8q1TPY8Y»",
        "«glrt-" + "t1_abcdefghijklmnopqrst» and «glcbt-" + "64_abcdefghijklmnopqrst»",
        "«glpat-" + "abcdefghijklmnopqrstuvwxyz0.01.0z1234567»",
        "«GR1348941" + "abcdefghijklmnopqrst»",
    ),
    negative=("glpat-short", "glass-half-full-or-half-empty-then"),
)

GITLAB_SESSION = Detector(
    name="gitlab_token",
    pattern="[0-9a-z]{32}",
    context="_gitlab_session=",
    decisive="[0-9a-z]{8}",
    groups=("secrets", "forges"),
    positive=("Cookie: _gitlab_session=«" + "0123456789abcdef" * 2 + "»;",),
)

BITBUCKET = prefixed(
    "atlassian_token",
    "ATATT3|ATBB|ATCTT3",
    r"[A-Za-z0-9_=\-]{20,}",
    "forges",
    positive=("«ATATT3" + "xFfGF0abcdefghijklmnop_-=ABCD1234»", "«ATBB" + "abcdefghijklmnopqrstuvwx12345678»"),
    negative=("ATBB", "ATATT3"),
)

NPM = prefixed(
    "npm_token",
    "npm_",
    "[A-Za-z0-9]{36,}",
    "forges",
    positive=("//registry/:_authToken=«npm_" + "a1B2c3D4e5" * 3 + "f6G7h8»",),
    negative=("npm_config_registry", "npm_install"),
)

PYPI = prefixed(
    "pypi_token",
    # The rest is base64 of the macaroon's location: the index's host name, or its test twin's.
    "pypi-AgEIcHlwaS5vcmc|pypi-AgENdGVzdC5weXBpLm9yZw",
    r"[A-Za-z0-9_\-]{20,}",
    "forges",
    positive=("«pypi-AgEIcHlwaS5vcmc" + "CJDA0NzM2ZjAwLTk4YTgtNDI5Ny05»",),
    negative=("pypi-server",),
)

RUBYGEMS = prefixed(
    "rubygems_token", "rubygems_", "[a-f0-9]{48,}", "forges", positive=("«rubygems_" + "0123456789ab" * 4 + "»",)
)

CRATES = prefixed("crates_token", "cio", "[A-Za-z0-9]{32}", "forges", positive=("«cio" + "aB3dE6gH" * 4 + "»",))

NUGET = prefixed("nuget_key", "oy2", "[a-z0-9]{43}", "forges", positive=("«oy2" + "a1b2c3d4e5" * 4 + "f6g»",))

DOCKER = prefixed(
    "docker_token",
    "dckr_(?:pat|oat)_",
    r"[A-Za-z0-9_\-]{20,}",
    "forges",
    positive=("«dckr_pat_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7»",),
)
