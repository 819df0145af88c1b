package exeat_test

import data.exeat.decision
import data.exeat.reason
import data.exeat_fixtures as given

test_nothing_is_let_out_unasked if {
	decision.effect == "deny" with input as {}
	count(decision.reasons) > 0 with input as {}
}

test_every_decision_names_its_snapshot if {
	decision.snapshot == "sha256:x" with input as {} with data.snapshot as {"digest": "sha256:x"}
}

test_deny_outranks_hold if {
	request := object.union(given.ledger("POST", "/transfers"), {"findings": [{"rule": "card", "count": 9}]})
	answer := decision with input as request
	answer.effect == "deny"
	given.rules(answer) == {"cards_in_request"}
}

test_packs_add_rules if {
	reason := {"rule": "pack_says_no", "message": "No.", "controls": []}
	answer := decision with input as given.generation("claude-sonnet-4-5") with data.packs as {"p": {"deny": {reason}}}
	answer.effect == "deny"
	given.rules(answer) == {"pack_says_no"}
}

test_two_holds_ask_both_groups if {
	held := {
		"reason": {"rule": "other", "message": "Other.", "controls": []},
		"approval": {"any": ["risk-officers"], "quorum": 2},
	}
	answer := decision with input as given.ledger("POST", "/transfers") with data.packs as {"p": {"hold": {held}}}
	answer.effect == "hold"
	answer.approval.all == ["ledger-approvers", "risk-officers"]
	answer.approval.quorum == 2
	given.rules(answer) == {"ledger_write", "other"}
}

test_packs_add_controls if {
	more := {"p": {"controls": {"NIST-800-53:AC-5": ["HOUSE:4.2"]}}}
	answer := decision with input as given.ledger("POST", "/transfers") with data.packs as more
	answer.reasons[0].controls == ["HOUSE:4.2", "NIST-800-53:AC-3", "NIST-800-53:AC-5"]
}

test_a_request_that_was_not_inspected_is_refused if {
	request := object.remove(given.generation("claude-sonnet-4-5"), ["findings"])
	answer := decision with input as request
	answer.effect == "deny"
	given.rules(answer) == {"incomplete_facts"}
}

test_rules_without_their_data_refuse if {
	decision.effect == "deny" with input as given.generation("claude-sonnet-4-5") with data.limits as {}
	decision.effect == "deny" with input as given.generation("claude-sonnet-4-5") with data.risk as {}
	decision.effect == "deny" with input as given.generation("claude-sonnet-4-5") with data.roles as {}
	decision.effect == "deny" with input as given.generation("claude-sonnet-4-5") with data.models as {}
}

test_where_no_rule_speaks_nothing_is_let_out if {
	answer := decision with input as given.ledger("POST", "/transfers") with data.risk.high as {"writes": "undecided"}
	answer.effect == "deny"
	given.rules(answer) == {"default_deny"}
}

watching(request) := object.union(request, {"connection": {"mode": "shadow"}})

test_a_watched_connection_lets_out_and_says_what_would_have_been if {
	answer := decision with input as watching(given.ledger("POST", "/transfers"))
	answer.effect == "allow"
	given.rules(answer) == {"shadow"}
	answer.shadow.effect == "hold"
	{reason.rule | some reason in answer.shadow.reasons} == {"ledger_write"}
	answer.masking == ["pci", "pii-us", "secrets"]
	quiet := decision with input as watching(given.ledger("GET", "/accounts"))
	quiet.shadow.effect == "allow"
}

test_a_rule_that_only_watches_changes_nothing if {
	reason := {"rule": "new_rule", "message": "No.", "controls": [], "mode": "shadow"}
	held := {"reason": object.union(reason, {"rule": "new_hold"}), "approval": {"any": ["x"]}}
	packs := {"p": {"deny": {reason}, "hold": {held}}}
	answer := decision with input as given.ledger("POST", "/transfers") with data.packs as packs
	answer.effect == "hold"
	given.rules(answer) == {"ledger_write"}
	answer.shadow.effect == "deny"
	{one.rule | some one in answer.shadow.reasons} == {"new_rule"}
}

test_no_shadow_where_nothing_watches if {
	answer := decision with input as given.ledger("POST", "/transfers")
	not answer.shadow
}

test_a_rule_of_another_shape_stays_in_force if {
	answer := decision with input as given.generation("claude-sonnet-4-5")
		with data.packs as {"p": {"deny": {"no"}}}
	answer.effect != "allow"
}

test_packs_hold_tools if {
	held := {"tool": "wire_money", "approval": {"any": ["ledger-approvers"]}}
	packs := {"p": {"hold_tool": {held}}}
	generation := given.generation("claude-sonnet-4-5")
	answer := decision with input as generation with data.packs as packs
	"wire_money" in answer.tools.hold
	quiet := decision with input as watching(generation) with data.packs as packs
	quiet.tools.hold == []
}

test_a_hold_alone_may_only_watch if {
	held := {"reason": {"rule": "new_hold", "message": "No.", "controls": [], "mode": "shadow"}, "approval": {"any": ["x"]}}
	answer := decision with input as given.ledger("GET", "/accounts") with data.packs as {"p": {"hold": {held}}}
	answer.effect == "allow"
	answer.shadow.effect == "hold"
}

test_a_rule_without_metadata_still_counts if {
	found := [
		reason({}, "Never."),
		reason({"custom": {"rule": "mine"}}, "Never."),
		reason({"title": "Mine"}, "Never."),
	]
	every one in found {
		one.message == "Never."
		one.mode == "enforce"
		one.controls == []
	}
	{one.rule | some one in found} == {"unnamed", "mine"}
	answer := decision with input as given.ledger("GET", "/accounts") with data.packs.mine.deny as {found[0]}
	answer.effect == "deny"
}
