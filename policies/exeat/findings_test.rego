package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given

found(rule, number) := object.union(
	given.generation("claude-sonnet-4-5"),
	{"findings": [{"rule": rule, "where": "$.messages[0].content", "count": number}]},
)

test_a_finding_without_a_number_counts if {
	findings := [{"rule": "card"}, {"rule": "card", "count": 3}]
	decision.effect == "deny" with input as object.union(given.generation("claude-sonnet-4-5"), {"findings": findings})
}

test_one_customers_cards_pass_and_a_list_does_not if {
	decision.effect == "allow" with input as found("card", 3)
	answer := decision with input as found("card", 4)
	answer.effect == "deny"
	given.rules(answer) == {"cards_in_request"}
}

test_cards_are_counted_over_all_places if {
	findings := [{"rule": "card", "where": "a", "count": 2}, {"rule": "card", "where": "b", "count": 2}]
	decision.effect == "deny" with input as object.union(given.generation("claude-sonnet-4-5"), {"findings": findings})
}

test_other_findings_do_not_deny if {
	decision.effect == "allow" with input as found("email", 50)
}
