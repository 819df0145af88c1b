"""From what was measured to findings. Pure: numbers and texts in, findings out."""

from collections.abc import Iterable, Mapping

from console.doctor.finding import Finding, fail, ok, warn

SKEW_WARN_SECONDS = 5.0  # tokens allow 30 s by default; a clock that drifts gets there
SPOOL_WARN, SPOOL_FAIL = 0.5, 0.8  # as in deploy/prometheus/alerts.yaml
LAG_SECONDS = 300.0
CERTIFICATE_DAYS = 14.0
KEY_AGE_DAYS = 400.0  # a year and a month: what rotates yearly is not nagged about


def clock(issuer: str, seconds: float) -> Finding:
    """`seconds`: our clock minus the issuer's, by its Date header, which counts whole seconds."""
    if abs(seconds) <= SKEW_WARN_SECONDS:
        return ok("clocks", f"agrees with {issuer} within {SKEW_WARN_SECONDS:.0f} s")
    remedy = "Let NTP set the clock: tokens are refused when it is off by more than skew_seconds."
    return warn("clocks", f"differs from {issuer} by {abs(seconds):.0f} s", remedy)


def keys(issuer: str, count: int) -> Finding:
    if count:
        return ok("issuers", f"{issuer}: {count} usable key(s)")
    remedy = "Compare issuers.algorithms with the issuer's key set: none of its keys fits."
    return fail("issuers", f"{issuer}: no usable key", remedy)


def secret(name: str, file: str, problem: str) -> Finding:
    """`problem`: missing, empty, line break, open to others, or ""."""
    if not problem:
        return ok("secrets", f"{name}: there, open to nobody else")
    remedies = {
        "missing": f"Put the key into {file}; until then its connections answer 503.",
        "empty": f"Put the key into {file}; until then its connections answer 503.",
        "unreadable": f"Let Envoy's user read {file}.",
        "line break": f"Write {file} without a line break at its end: printf %s.",
        "open to others": f"chmod 600 {file}",
    }
    level = warn if problem == "open to others" else fail
    return level("secrets", f"{name}: {problem}", remedies[problem])


def key_age(name: str, days: float) -> Finding:
    if days <= KEY_AGE_DAYS:
        return ok("keys", f"{name}: {days:.0f} days old")
    return warn("keys", f"{name}: {days:.0f} days old", "Rotate it, see docs/evidence.md and docs/masking.md.")


def spools(used: Mapping[str, tuple[float, float]], down: Iterable[str]) -> list[Finding]:
    """`used`: part → (bytes held, bytes at most)."""
    found = [
        fail("spool", f"{part}: closed after a failed write", "See docs/runbook.md#exeatspooldown.")
        for part in sorted(down)
    ]
    for part, (held, most) in sorted(used.items()):
        share = held / most if most else 1.0
        text = f"{part}: {share:.0%} of {most / (1 << 20):.0f} MiB"
        if share >= SPOOL_WARN:
            level = fail if share >= SPOOL_FAIL else warn
            found.append(level("spool", text, "See docs/runbook.md#exeatspoolfill."))
        else:
            found.append(ok("spool", text))
    return found


def lag(behind: float, seconds: float) -> Finding:
    if seconds <= LAG_SECONDS:
        return ok("shipping", f"ClickHouse lacks {behind:.0f} event(s)")
    text = f"ClickHouse lacks {behind:.0f} event(s) and is {seconds:.0f} s behind"
    return fail("shipping", text, "See docs/runbook.md#exeatingestlag.")


def certificate(host: str, days: float) -> Finding:
    text = f"{host}: good for {days:.0f} day(s)" if days > 0 else f"{host}: expired"
    if days > CERTIFICATE_DAYS:
        return ok("certificates", text)
    return (warn if days > 0 else fail)("certificates", text, "Renew it.")


def in_force(rendered: Iterable[str], loaded: Iterable[str]) -> Finding:
    """Names of routes: those in the rendered file, and those that Envoy says it serves."""
    wanted, there = set(rendered), set(loaded)
    if wanted == there:
        return ok("envoy", f"serves the rendered configuration: {len(wanted)} route(s)")
    different = ", ".join(sorted(wanted ^ there)[:5])
    remedy = "Envoy refused the file: its log says why. Restart it after the cause is gone."
    return fail("envoy", f"does not serve what was rendered: {different}", remedy)


def canary(status: int, recorded: bool, leaked: Iterable[str]) -> list[Finding]:
    """A request of a stranger with planted secrets in path, query, header and body."""
    found = []
    if status == 401:
        found.append(ok("canary", "a stranger is answered 401"))
    else:
        found.append(
            fail("canary", f"a stranger is answered {status}, not 401", "Stop the gateway and look at authz's log.")
        )
    places = sorted(leaked)
    if places:
        text = f"a planted secret stands unmasked in {', '.join(places)}"
        found.append(
            fail("canary", text, "Report it: docs/runbook.md. `exeat audit remask` masks recorded content anew.")
        )
    elif recorded:
        found.append(ok("canary", "its refusal is recorded, its planted secrets are not"))
    else:
        found.append(warn("canary", "its refusal is not in the store yet", "See the shipping check."))
    return found
