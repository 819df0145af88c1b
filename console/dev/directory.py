"""The invented house of the development issuer: who works there, and which agents run for them.

Groups are what the example policies know: `ledger-approvers` may answer holds, `auditors` may read, `exeat-admins`
may revoke, `on-call` may break the glass.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    name: str  # login name, and the `sub` of the person's tokens
    email: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    name: str  # OAuth client id, and the `sub` of the agent's tokens
    groups: tuple[str, ...] = ()
    owner: str = ""  # e-mail of the person it acts for


PEOPLE = (
    Person("alice", "alice@bank.example", ("ledger-approvers",)),
    Person("bob", "bob@bank.example", ("ledger-approvers",)),
    Person("carol", "carol@bank.example", ("auditors",)),
    Person("dave", "dave@bank.example"),
    Person("erin", "erin@bank.example", ("exeat-admins", "on-call")),
)
AGENTS = (
    Agent("research-agent", ("research",), "alice@bank.example"),
    Agent("ledger-agent", ("finance",), "dave@bank.example"),
    Agent("intern-agent"),
)
