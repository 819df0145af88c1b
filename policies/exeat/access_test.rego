package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given

test_research_uses_a_standard_model if {
	answer := decision with input as given.generation("claude-sonnet-4-5")
	answer.effect == "allow"
	given.rules(answer) == {"generation"}
}

test_answers_of_models_are_masked if {
	answer := decision with input as given.generation("claude-sonnet-4-5")
	answer.masking == ["pci", "pii-us", "secrets"]
}

test_a_model_above_ones_tier_is_refused if {
	answer := decision with input as given.generation("claude-opus-4-5")
	answer.effect == "deny"
	given.rules(answer) == {"model_tier"}
}

test_a_request_without_a_model_is_refused if {
	request := object.union(given.generation("x"), {"action": {"kind": "llm.generate", "model": null}})
	decision.effect == "deny" with input as request
}

test_an_intern_reaches_nothing if {
	every request in [given.generation("claude-sonnet-4-5"), given.ledger("GET", "/accounts")] {
		answer := decision with input as object.union(request, {"identity": given.intern})
		answer.effect == "deny"
		"no_role" in given.rules(answer)
	}
}

test_one_group_does_not_open_the_connection_of_another if {
	ledger := object.union(given.ledger("GET", "/accounts"), {"identity": given.research})
	decision.effect == "deny" with input as ledger
	model := object.union(given.generation("claude-sonnet-4-5"), {"identity": given.finance})
	decision.effect == "deny" with input as model
}

test_an_unknown_connection_is_refused if {
	place := {"connection": given.at("elsewhere", "http", "low")}
	decision.effect == "deny" with input as object.union(given.ledger("GET", "/"), place)
}

test_of_a_provider_only_generation_and_reading_is_let_out if {
	files := object.union(given.generation("x"), {"action": {"kind": "http.request"}, "request": {"path": "/v1/files"}})
	answer := decision with input as files
	answer.effect == "deny"
	given.rules(answer) == {"provider_surface"}
	decision.effect == "allow" with input as object.union(files, {"request": {"method": "GET", "path": "/v1/models"}})
}
