# METADATA
# title: Rules that the FFIEC IT Examination Handbook asks for by itself
# description: |
#   data/controls.yaml leads from the NIST controls that rules name to sections of the Handbook; the decision carries
#   both. This rule has no other home.
package packs.ffiec

import data.exeat.is_llm
import data.exeat.reason

provider := data.packs.ffiec.inventory[input.connection.name]

# METADATA
# title: Third parties are in the inventory
# custom:
#   rule: third_party_unknown
#   controls: ["FFIEC-IS-2016:II.C.5", "FFIEC-IS-2016:II.C.20"]
deny contains reason(rego.metadata.rule(), "This provider is not in the inventory of third parties.") if {
	is_llm
	not provider
}

# METADATA
# title: A third party whose review has lapsed
# custom:
#   rule: third_party_review
#   controls: ["FFIEC-IS-2016:II.C.20"]
deny contains reason(rego.metadata.rule(), "The review of this provider has lapsed.") if {
	is_llm
	input.time.us * 1000 >= time.parse_rfc3339_ns(sprintf("%sT00:00:00Z", [provider.review_due]))
}
