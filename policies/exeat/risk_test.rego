package exeat_test

import data.exeat.decision
import data.exeat_fixtures as given

test_a_transfer_waits_for_an_approver if {
	answer := decision with input as given.ledger("POST", "/transfers")
	answer.effect == "hold"
	given.rules(answer) == {"ledger_write"}
	answer.approval.any == ["ledger-approvers"]
	answer.approval.expires_in == "9m"
	answer.approval.wait == "hold"
	answer.approval.justification == "required"
}

test_reading_accounts_does_not_wait if {
	decision.effect == "allow" with input as given.ledger("GET", "/accounts")
}

test_any_other_method_is_a_write if {
	every method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"] {
		decision.effect == "hold" with input as given.ledger(method, "/accounts")
	}
}

test_sql_is_judged_by_its_verbs if {
	decision.effect == "allow" with input as given.query(["select"])
	decision.effect == "allow" with input as given.query(["SELECT", "select"])
	decision.effect == "hold" with input as given.query(["insert"])
	decision.effect == "hold" with input as given.query(["select", "update"])
	decision.effect == "hold" with input as given.query([])
}

test_a_critical_connection_asks_two_people if {
	place := {"connection": given.at("ledger", "http", "critical")}
	answer := decision with input as object.union(given.ledger("POST", "/transfers"), place)
	answer.approval.quorum == 2
}

test_a_tier_may_ask_for_signed_answers if {
	place := {"connection": given.at("ledger", "http", "critical")}
	asked := object.union(given.ledger("POST", "/transfers"), place)
	tiers := object.union(data.risk, {"critical": object.union(data.risk.critical, {"signature": true})})
	answer := decision with input as asked with data.risk as tiers
	answer.approval.signature == true
	plain := decision with input as asked
	not plain.approval.signature
}

test_a_low_risk_write_is_let_out if {
	place := {"connection": given.at("ledger", "http", "low")}
	answer := decision with input as object.union(given.ledger("POST", "/transfers"), place)
	answer.effect == "allow"
	answer.masking == ["secrets"]
}

test_a_tier_that_nobody_declared_is_refused if {
	place := {"connection": given.at("ledger", "http", "whatever")}
	answer := decision with input as object.union(given.ledger("GET", "/accounts"), place)
	answer.effect == "deny"
	given.rules(answer) == {"unknown_risk"}
}
