package packs_ffiec_test

import data.exeat.decision
import data.exeat_fixtures as given

test_a_provider_that_is_not_in_the_inventory_is_refused if {
	answer := decision with input as given.generation("claude-sonnet-4-5") with data.packs.ffiec.inventory as {}
	answer.effect == "deny"
	given.rules(answer) == {"third_party_unknown"}
}

test_a_provider_whose_review_has_lapsed_is_refused if {
	at_day := object.union(given.generation("claude-sonnet-4-5"), {"time": {"us": 1793491200000000}})
	inventory := {"anthropic": {"owner": "x", "review_due": "2026-11-01"}}
	answer := decision with input as at_day with data.packs.ffiec.inventory as inventory
	answer.effect == "deny"
	given.rules(answer) == {"third_party_review"}
	later := {"anthropic": {"owner": "x", "review_due": "2026-11-02"}}
	decision.effect == "allow" with input as at_day with data.packs.ffiec.inventory as later
}

test_our_own_services_are_no_third_party if {
	answer := decision with input as given.ledger("GET", "/accounts") with data.packs.ffiec.inventory as {}
	answer.effect == "allow"
}

test_decisions_carry_the_sections_of_the_handbook if {
	answer := decision with input as given.ledger("POST", "/transfers")
	answer.reasons[0].controls == [
		"FFIEC-IS-2016:II.C.15(b)", "FFIEC-IS-2016:II.C.7(c)",
		"NIST-800-53:AC-3", "NIST-800-53:AC-5",
	]
}

# Every section that a control leads to is in the catalogue, and every edition is named.
test_the_map_is_whole if {
	every sections in data.packs.ffiec.controls {
		every section in sections {
			data.packs.ffiec.catalogue.sections[section]
			data.packs.ffiec.catalogue.editions[split(section, ":")[0]]
		}
	}
}
