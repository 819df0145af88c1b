"""What is asked of people about one held request, and for how long the request waits. Pure."""

from dataclasses import dataclass

from approvals.facts import Ask
from approvals.view import View
from runtime.errors import CallerError
from snapshot.decision import ApprovalTerms
from snapshot.verdict import MalformedVerdict, Verdict

ENVOY_CEILING = 3600  # seconds; `max_message_timeout`, above it an extension is ignored
ENVOY_MARGIN = 60  # our own deadline comes first, and the request must still be asked about and released
DEADLINE_MARGIN = 5.0  # approvals decides about expiry; our own clock is for an approvals that does not answer
PATIENCE_MARGIN = 3.0  # seconds; what was on the way before we saw it, and our answer on its way back
RESPOND_SECONDS = 60  # `wait: respond` waits for no one, only for the question to be durable
SHOWN_BYTES = 2 << 20  # what one gRPC message and one screen can bear


class TooLargeToShow(CallerError):
    """Nobody can answer for what they did not see, so a part is not shown instead."""

    code = "too_large_to_show"


@dataclass(frozen=True, slots=True)
class Question:
    """`max_wait`: seconds, the longest this gateway holds anything."""

    verdict: Verdict
    max_wait: int

    @property
    def terms(self) -> ApprovalTerms:
        if self.verdict.approval is None:
            raise MalformedVerdict("a hold without terms")
        return self.verdict.approval

    @property
    def responds(self) -> bool:
        """The caller is told at once and asks again after the grant."""
        return self.terms.wait == "respond"

    @property
    def wait_seconds(self) -> float:
        """The longest that anybody waits here, whatever the caller says."""
        return min(self.terms.expires_s, self.max_wait) + DEADLINE_MARGIN

    def wait(self, elapsed: float) -> float:
        """Seconds from now; `elapsed`: since the request came. It ends before a caller who said so gives up."""
        if not self.verdict.patience:
            return self.wait_seconds
        patience = max(self.verdict.patience - PATIENCE_MARGIN, self.verdict.patience / 2)
        return min(self.wait_seconds, max(patience - elapsed, 0.1))

    @property
    def impatient(self) -> bool:
        """Whether the caller leaves before the approval ends."""
        return self.wait(0) < self.wait_seconds

    @property
    def envoy_seconds(self) -> int:
        if self.responds:
            return RESPOND_SECONDS
        return min(ENVOY_CEILING, int(self.wait_seconds) + ENVOY_MARGIN)

    def ask(self, upstream: str, view: View, target: str) -> Ask:
        """`target`: what the body goes to, by digest. Raises TooLargeToShow."""
        shown = view.shown()
        if len(shown.content) > SHOWN_BYTES:
            raise TooLargeToShow
        verdict = self.verdict
        return Ask(
            exchange=verdict.exchange,
            connection=verdict.connection,
            upstream=upstream,
            received_digest=verdict.request_digest,
            forwarded_digest=verdict.request_digest,  # nothing is changed on the way
            issuer=verdict.issuer,
            subject=verdict.subject,
            agent=verdict.agent,
            snapshot=verdict.snapshot,
            target=target,
            action=view.action,
            risk=view.risk,
            tool=view.tool,
            hits=view.hits,
            terms=self.terms,
            shown=shown,
            owner=verdict.owner,
            session=verdict.session,
            jti=verdict.jti,
            rule=verdict.rule,
            message=view.message or verdict.message,
            justification=verdict.justification,
        )
