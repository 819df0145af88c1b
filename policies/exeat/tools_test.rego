package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given

test_listing_and_calling_tools if {
	listed := decision with input as mcp([{"kind": "request", "method": "tools/list", "params": {}}])
	listed.effect == "allow"
	given.rules(listed) == {"reading"}
	listed.tools.hide == ["delete_*"]
	called := decision with input as mcp([call("search")])
	given.rules(called) == {"low_risk_write"}
}

test_what_is_hidden_cannot_be_called_not_even_in_a_batch if {
	answer := decision with input as mcp([call("search"), call("delete_ticket")])
	answer.effect == "deny"
	given.rules(answer) == {"tool_hidden"}
}

test_to_show_some_is_to_hide_all_others if {
	tools := {"approvers": ["x"], "connections": {"tickets": {"show": ["search", "get_*"]}}}
	shown := decision with input as mcp([call("search"), call("get_ticket")]) with data.tools as tools
	shown.effect == "allow"
	shown.tools.hide == ["!get_*", "!search", "*"]
	other := decision with input as mcp([call("close")]) with data.tools as tools
	given.rules(other) == {"tool_hidden"}
}

test_a_changed_definition_is_held if {
	changed := object.union(call("search"), {"definition": {"digest": "b", "first": "a"}})
	answer := decision with input as mcp([changed])
	answer.effect == "hold"
	given.rules(answer) == {"tool_changed"}
	answer.approval.any == ["security-officers"]
}

test_a_definition_that_is_as_it_was_or_was_reviewed_is_not if {
	same := object.union(call("search"), {"definition": {"digest": "a", "first": "a"}})
	decision.effect == "allow" with input as mcp([same])
	changed := object.union(call("search"), {"definition": {"digest": "b", "first": "a"}})
	tools := {"approvers": ["x"], "connections": {"tickets": {"pins": {"search": ["b"]}}}}
	decision.effect == "allow" with input as mcp([changed]) with data.tools as tools
}

test_a_named_tool_is_held_where_a_models_answer_calls_it if {
	answer := decision with input as given.generation("claude-haiku-5")
	answer.effect == "allow"
	answer.tools.hold == ["execute_sql"]
	answer.approval.any == data.tools.callers
}

test_without_held_tools_an_allow_has_no_approval if {
	tools := {"callers": ["x"], "approvers": ["x"], "connections": {}}
	answer := decision with input as given.generation("claude-haiku-5") with data.tools as tools
	answer.effect == "allow"
	answer.tools.hold == []
	answer.approval == null
}

test_a_denied_request_holds_nothing if {
	answer := decision with input as object.union(given.generation("claude-haiku-5"), {"identity": given.intern})
	answer.effect == "deny"
	answer.tools.hold == []
	answer.approval == null
}

test_a_held_request_whose_answer_is_held_too_needs_both if {
	usage := {"identity": {"day": given.counts(data.limits.tokens.day + 1, 0)}}
	answer := decision with input as object.union(given.generation("claude-haiku-5"), {"usage": usage})
	answer.effect == "hold"
	answer.tools.hold == ["execute_sql"]
	{group | some group in answer.approval.all} == {g | some g in data.tools.callers} | {g | some g in data.limits.tokens.approvers}
}
