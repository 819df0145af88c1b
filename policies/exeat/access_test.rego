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

test_of_a_provider_only_generation_and_listing_models_is_let_out if {
	files := object.union(given.generation("x"), {"action": {"kind": "http.request"}, "request": {"path": "/v1/files"}})
	answer := decision with input as files
	answer.effect == "deny"
	given.rules(answer) == {"provider_surface"}
	every path in ["/v1/models", "/v1/models/x", "/v1/models/of/x", "/openai/deployments", "/v1beta/models"] {
		decision.effect == "allow" with input as object.union(files, {"request": {"method": "GET", "path": path}})
	}
	every path in ["/v1/files/f-1/content", "/v1/organizations/api_keys", "/v1/batches", "/v1/mymodels"] {
		decision.effect == "deny" with input as object.union(files, {"request": {"method": "GET", "path": path}})
	}
}

mcp(messages) := {
	"identity": given.research,
	"connection": given.at("tickets", "mcp", "standard"),
	"request": {"method": "POST", "path": "/mcp"},
	"action": {"kind": "mcp.call", "mcp": {"messages": messages}},
	"findings": [],
	"usage": given.unused,
}

call(tool) := {"kind": "request", "method": "tools/call", "tool": tool, "arguments": {}}

test_at_high_risk_talk_is_reading_and_calls_wait if {
	place := {"connection": given.at("ledger", "mcp", "high"), "identity": given.finance}
	reads := [
		{"kind": "request", "method": "initialize"},
		{"kind": "notification", "method": "notifications/initialized"},
		{"kind": "answer", "method": "", "failed": false, "empty": true},
	]
	decision.effect == "allow" with input as object.union(mcp(reads), place)
	decision.effect == "hold" with input as object.union(mcp([call("search")]), place)
	decision.effect == "hold" with input as object.union(mcp(array.concat(reads, [call("search")])), place)
	said := {"kind": "answer", "method": "", "failed": false, "empty": false, "result": {"content": {"pin": "x"}}}
	decision.effect == "hold" with input as object.union(mcp([said]), place)
}

test_a_way_into_a_container_is_no_reading if {
	exec := object.union(given.ledger("GET", "/api/v1/namespaces/n/pods/p/exec"), {
		"connection": {"kind": "kubernetes"},
		"action": {"kind": "kubernetes.exec"},
	})
	decision.effect == "hold" with input as exec
	decision.effect == "allow" with input as object.union(exec, {"action": {"kind": "kubernetes.get"}})
}

test_the_stream_of_a_server_and_the_end_of_a_session_are_reading if {
	place := {"connection": given.at("ledger", "mcp", "high"), "identity": given.finance}
	listening := object.union(mcp([]), {"action": {"kind": "mcp.listen"}, "request": {"method": "GET"}})
	decision.effect == "allow" with input as object.union(listening, place)
	ending := object.union(mcp([]), {"action": {"kind": "mcp.end"}, "request": {"method": "DELETE"}})
	decision.effect == "allow" with input as object.union(ending, place)
}
