"""The invented house: what examples, demo and tests rely on."""

from console.dev.directory import AGENTS, PEOPLE


def test_owners_are_people_of_the_house_and_never_their_own_only_approver() -> None:
    emails = {person.email for person in PEOPLE}
    approvers = [person for person in PEOPLE if "ledger-approvers" in person.groups]
    assert len(approvers) >= 2, "four eyes need two people"
    assert {agent.owner for agent in AGENTS} - {""} <= emails
    ledger = next(agent for agent in AGENTS if agent.name == "ledger-agent")
    assert ledger.owner not in {person.email for person in approvers}
