package packs_nist_800_53_test

import data.exeat.decision
import data.exeat_fixtures as given

as_caller(request, identity) := object.union(request, {"identity": identity})

test_an_agent_without_an_owner_does_not_reach_the_ledger if {
	every identity in [{"owner": ""}, {"owner": null}] {
		answer := decision with input as as_caller(given.ledger("GET", "/accounts"), identity)
		answer.effect == "deny"
	}
	answer := decision with input as as_caller(given.ledger("GET", "/accounts"), {"owner": ""})
	given.rules(answer) == {"account_without_owner"}
	unnamed := object.remove(given.ledger("GET", "/accounts"), ["identity"])
	decision.effect == "deny" with input as object.union(unnamed, {"identity": {"groups": ["finance"]}})
}

test_at_standard_risk_no_owner_is_needed if {
	decision.effect == "allow" with input as given.generation("claude-sonnet-4-5")
}

test_an_agent_in_an_approving_group_reaches_nothing if {
	every group in ["ledger-approvers", "security-officers", "database-owners"] {
		caller := {"groups": ["research", group]}
		answer := decision with input as as_caller(given.generation("claude-sonnet-4-5"), caller)
		answer.effect == "deny"
		given.rules(answer) == {"agent_is_approver"}
	}
}
