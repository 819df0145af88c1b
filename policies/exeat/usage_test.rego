package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given
import data.limits

model := given.generation("claude-sonnet-4-5")

used(request, usage) := object.union(request, {"usage": usage})

day(tokens, rows) := {"identity": {"day": given.counts(tokens, rows)}}

test_tokens_at_the_limit_are_let_out if {
	answer := decision with input as used(model, day(limits.tokens.day, 0))
	answer.effect == "allow"
}

test_tokens_above_the_limit_of_a_day_need_a_person if {
	answer := decision with input as used(model, day(limits.tokens.day + 1, 0)) with data.tools as {"connections": {}}
	answer.effect == "hold"
	given.rules(answer) == {"tokens_a_day"}
	answer.approval.any == limits.tokens.approvers
	answer.approval.quorum == 1
}

test_the_day_of_another_window_or_scope_does_not_count if {
	decision.effect == "allow" with input as used(model, {"identity": {"month": given.counts(limits.tokens.day + 1, 0)}})
	decision.effect == "allow" with input as used(model, {"connection": {"day": given.counts(limits.tokens.day + 1, 0)}})
}

test_a_budget_denies if {
	over := {"agent": {"month": given.counts(limits.budget.month + 1, 0)}}
	answer := decision with input as used(model, over)
	answer.effect == "deny"
	given.rules(answer) == {"token_budget"}
	decision.effect == "allow" with input as used(model, {"agent": {"month": given.counts(limits.budget.month, 0)}})
}

test_a_budget_outranks_an_approval if {
	both := object.union(day(limits.tokens.day + 1, 0), {"agent": {"month": given.counts(limits.budget.month + 1, 0)}})
	decision.effect == "deny" with input as used(model, both)
}

test_many_records_need_a_person if {
	request := given.ledger("GET", "/accounts")
	decision.effect == "allow" with input as used(request, day(0, limits.bulk.rows))
	answer := decision with input as used(request, day(0, limits.bulk.rows + 1))
	answer.effect == "hold"
	given.rules(answer) == {"bulk_export"}
}

test_records_say_nothing_about_models if {
	decision.effect == "allow" with input as used(model, day(0, limits.bulk.rows + 1))
}

test_a_stranger_gets_no_hold_out_of_it if {
	request := object.union(used(given.ledger("GET", "/accounts"), day(0, limits.bulk.rows + 1)), {"identity": given.intern})
	answer := decision with input as request
	answer.effect == "deny"
}

test_without_counters_nothing_is_let_out if {
	some_missing := object.remove(model, ["usage"])
	answer := decision with input as some_missing
	answer.effect == "deny"
	given.rules(answer) == {"incomplete_facts"}
	decision.effect == "deny" with input as object.union(model, {"usage": null})
}

test_without_a_limit_nothing_is_let_out if {
	decision.effect == "deny" with input as model with data.limits.tokens as {}
	decision.effect == "deny" with input as model with data.limits.budget as {}
	decision.effect == "deny" with input as given.ledger("GET", "/accounts") with data.limits.bulk as {}
}
