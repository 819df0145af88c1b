# Separation of duties (data/duties.yaml): groups that no caller may have together. Who never answers what waits is in
# decision.rego, because it holds for every approval.
package exeat

# METADATA
# title: Duties are kept apart
# custom:
#   rule: duties
#   controls: ["NIST-800-53:AC-5"]
deny contains reason(rego.metadata.rule(), "Your groups give you duties that nobody may have together.") if {
	some together in data.duties.exclusive
	count({group | some group in together; group in input.identity.groups}) > 1
}
