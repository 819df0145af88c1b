package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given

test_who_administers_never_answers if {
	answer := decision with input as given.ledger("POST", "/transfers")
	answer.approval.never == ["exeat-admins"]
}

test_never_holds_for_what_packs_hold_and_what_they_add if {
	held := {"reason": {"rule": "r", "message": "m", "controls": []}, "approval": {"any": ["a"], "never": ["authors"]}}
	answer := decision with input as given.ledger("POST", "/transfers")
		with data.packs.more.hold as {held}
	answer.approval.never == ["authors", "exeat-admins"]
}

test_a_repository_without_duties_works_as_before if {
	answer := decision with input as given.ledger("POST", "/transfers")
		with data.duties as {}
	answer.effect == "hold"
	answer.approval.never == []
}

test_what_does_not_wait_has_no_terms if {
	answer := decision with input as given.ledger("GET", "/accounts")
	answer.approval == null
}

test_two_duties_of_one_caller_are_denied if {
	identity := {"subject": "ledger-agent", "groups": ["finance", "ledger-approvers"]}
	both := object.union(given.ledger("GET", "/accounts"), {"identity": identity})
	answer := decision with input as both
	answer.effect == "deny"
	"duties" in given.rules(answer)
}

incomplete(duties) if {
	answer := decision with input as given.ledger("GET", "/accounts") with data.duties as duties
	answer.effect == "deny"
	"incomplete_facts" in given.rules(answer)
}

test_lists_that_are_none_deny if {
	incomplete({"never_approve": "exeat-admins"})
	incomplete({"exclusive": "finance"})
	incomplete({"exclusive": ["finance", "ledger-approvers"]})
}
