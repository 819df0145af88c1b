# Thresholds over what was used, with this request's own reservation: authz reserves before it asks, so a rule compares
# and needs no sum of its own (docs/usage.md). Numbers are data/limits.yaml.
package exeat

# METADATA
# title: Many tokens a day need a person
# custom:
#   rule: tokens_a_day
#   controls: ["NIST-800-53:SC-5", "NIST-800-53:AC-3"]
hold contains {
	"reason": reason(rego.metadata.rule(), "This identity has used many tokens today, so a person must agree."),
	"approval": terms_of(data.limits.tokens.approvers),
} if {
	may_connect
	is_generation
	input.usage.identity.day.tokens > data.limits.tokens.day
}

# METADATA
# title: The budget of an agent
# custom:
#   rule: token_budget
#   controls: ["NIST-800-53:SC-5"]
deny contains reason(rego.metadata.rule(), "The token budget of this agent is used up for 30 days.") if {
	is_generation
	input.usage.agent.month.tokens > data.limits.budget.month
}

# METADATA
# title: Bulk export needs a person
# description: |
#   Records that answers to this identity held in a day, those that open requests ask for (`rows_asked` of the
#   connection), and those that this one asks for. A request that does not say how many it wants counts afterwards.
# custom:
#   rule: bulk_export
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:AC-5"]
hold contains {
	"reason": reason(rego.metadata.rule(), "This would be more records than one day's work needs, so a person must agree."),
	"approval": terms_of(data.limits.bulk.approvers),
} if {
	may_connect
	not is_llm
	input.usage.identity.day.rows > data.limits.bulk.rows
}

terms_of(approvers) := {
	"any": approvers,
	"quorum": 1,
	"expires_in": "9m",
	"wait": "hold",
	"justification": "required",
}

# What the rules above read; findings.rego denies where something of it is missing.
counted_usage if {
	is_number(input.usage.identity.day.tokens)
	is_number(input.usage.identity.day.rows)
	is_number(input.usage.agent.month.tokens)
	is_number(data.limits.tokens.day)
	is_number(data.limits.budget.month)
	is_number(data.limits.bulk.rows)
	count(data.limits.tokens.approvers) > 0
	count(data.limits.bulk.approvers) > 0
}
