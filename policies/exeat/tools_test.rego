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
