package packs_secrets_test

import data.exeat.decision
import data.exeat_fixtures as given

found(rule, where) := object.union(
	given.generation("claude-sonnet-4-5"),
	{"findings": [{"rule": rule, "where": where, "count": 1}]},
)

test_a_key_in_a_prompt_is_refused if {
	every rule in ["private_key", "anthropic_key", "github_token", "secret_ledger"] {
		answer := decision with input as found(rule, "$.messages[0].content")
		answer.effect == "deny"
		given.rules(answer) == {"secret_in_request"}
	}
}

test_a_card_in_an_address_is_refused if {
	every where in ["path", "query.card", "query"] {
		answer := decision with input as found("card", where)
		answer.effect == "deny"
		given.rules(answer) == {"finding_in_address"}
	}
}

test_an_address_in_a_prompt_is_not_one_of_a_request if {
	decision.effect == "allow" with input as found("email", "$.messages[0].path")
}

test_without_names_nothing_is_let_out if {
	answer := decision with input as found("email", "$") with data.packs.secrets.detectors as {}
	answer.effect == "deny"
	given.rules(answer) == {"detectors_missing"}
}

test_answers_are_masked_at_any_risk if {
	place := {"connection": given.at("ledger", "http", "low")}
	answer := decision with input as object.union(given.ledger("GET", "/accounts"), place)
	answer.masking == ["secrets"]
}
