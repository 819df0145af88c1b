package packs_llm_safety_test

import data.exeat.decision
import data.exeat_fixtures as given

asked(action) := object.union(given.generation("claude-sonnet-4-5"), {"action": action})

answer(action) := found if found := decision with input as asked(action)

usual := {
	"max_tokens": 1024,
	"n": 1,
	"images": 0,
	"files": 0,
	"mcp_servers": [],
	"stored_context": false,
	"prompt_tokens_estimate": 500,
}

test_the_usual_request_is_let_out if {
	answer(usual).effect == "allow"
}

test_each_bound_is_kept if {
	cases := {
		"prompt_too_large": {"prompt_tokens_estimate": 200001},
		"answer_too_large": {"max_tokens": 64001},
		"too_many_attachments": {"files": 11},
		"stored_context": {"stored_context": true},
		"prompt_as_tokens": {"tokenized": true},
		"provider_calls_servers": {"mcp_servers": ["https://tools.example/mcp"]},
	}
	every rule, change in cases {
		found := answer(object.union(usual, change))
		found.effect == "deny"
		given.rules(found) == {rule}
	}
}

test_pictures_count_too if {
	given.rules(answer(object.union(usual, {"images": 21}))) == {"too_many_attachments"}
}

test_several_answers_count_together if {
	given.rules(answer(object.union(usual, {"n": 9, "max_tokens": 8000}))) == {"answer_too_large"}
}

test_a_server_may_be_declared if {
	request := asked(object.union(usual, {"mcp_servers": ["https://tools.example/mcp"]}))
	found := decision with input as request
		with data.packs.llm_safety.bounds.mcp_servers as ["https://tools.example/mcp"]
	found.effect == "allow"
}

test_without_bounds_nothing_is_generated if {
	found := decision with input as asked(usual) with data.packs.llm_safety.bounds as {}
	found.effect == "deny"
	"bounds_missing" in given.rules(found)
}
