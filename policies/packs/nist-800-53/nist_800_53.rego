# METADATA
# title: Rules that NIST SP 800-53 asks for by itself
# description: |
#   Most controls are served by rules elsewhere, each of which names them in its METADATA. These two have no other
#   home. data/catalogue.yaml says of every control named in this repository what serves it, and what does not.
package packs.nist_800_53

import data.exeat.reason

approves(group) if group in data.risk[_].approvers

approves(group) if group in data.packs.sql_safety.tables[_].approvers

# METADATA
# title: Every account that writes at high risk has somebody who answers for it
# custom:
#   rule: account_without_owner
#   controls: ["NIST-800-53:AC-2"]
deny contains reason(rego.metadata.rule(), "Nobody answers for this agent: its token names no owner.") if {
	input.connection.risk in {"high", "critical"}
	not has_owner
}

has_owner if {
	is_string(input.identity.owner)
	input.identity.owner != ""
}

# METADATA
# title: An agent is not an approver
# custom:
#   rule: agent_is_approver
#   controls: ["NIST-800-53:AC-5"]
deny contains reason(rego.metadata.rule(), "An agent must not be in a group that approves.") if {
	some group in input.identity.groups
	approves(group)
}
