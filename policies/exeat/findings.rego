# What must not be sent at all. Detectors run once, in masking; the policy sees their findings {rule, where, count},
# never a value. Numbers are data/limits.yaml; keys are the pack `secrets`.
package exeat

# A finding without a number counts once; it must not vanish from the sum.
counted(rules) := sum([object.get(finding, "count", 1) | some finding in input.findings; finding.rule in rules])

# What the rules below read. In Rego a missing value makes a deny rule silent, so its absence is a deny of its own.
complete if {
	is_array(input.findings)
	is_array(data.limits.cards.rules)
	is_number(data.limits.cards.most)
	counted_usage
	duties_kept
}

duties_kept if not data.duties

duties_kept if {
	is_array(object.get(data.duties, "never_approve", []))
	is_array(object.get(data.duties, "exclusive", []))
	every together in object.get(data.duties, "exclusive", []) { is_array(together) }
}

# METADATA
# title: No decision on half of the facts
# custom:
#   rule: incomplete_facts
#   controls: ["NIST-800-53:AC-3", "NIST-800-53:SI-17"]
deny contains reason(rego.metadata.rule(), "The request was not inspected, so it is not let out.") if not complete

# METADATA
# title: No lists of cards
# custom:
#   rule: cards_in_request
#   controls: ["NIST-800-53:AC-4"]
deny contains reason(rego.metadata.rule(), "The request holds more card numbers than one customer has.") if {
	counted(data.limits.cards.rules) > data.limits.cards.most
}
