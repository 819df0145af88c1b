# Writes by risk tier: each connection has a risk (data/connections.yaml), and data/risk.yaml says what a tier asks of
# a write and which profiles mask its answers. Whatever is not known to be a read is a write.
package exeat

tier := data.risk[input.connection.risk]

reading_verbs := {"select", "explain", "show", "describe"}

# SQL that only reads: authz lists every statement of the declared fields, with verb `unparsable` where it cannot tell.
reads_sql if {
	count(input.action.sql.statements) > 0
	every statement in input.action.sql.statements {
		lower(statement.verb) in reading_verbs
	}
}

is_write if {
	not is_generation
	not is_read
	not reads_sql
}

# METADATA
# title: Tiers are declared
# custom:
#   rule: unknown_risk
#   controls: ["NIST-800-53:RA-2"]
deny contains reason(rego.metadata.rule(), "The risk of this connection is not declared.") if not tier

# What people may grant in advance, or alone in an emergency, where the tier allows it; whether they sign their answers.
beside := {name: tier[name] | some name in {"standing", "break_glass", "signature"}; tier[name]}

# METADATA
# title: A write to the ledger needs a second person
# custom:
#   rule: ledger_write
#   controls: ["NIST-800-53:AC-5", "NIST-800-53:AC-3"]
hold contains {
	"reason": reason(rego.metadata.rule(), "A write to this connection needs approval."),
	"approval": object.union(
		{
			"any": tier.approvers,
			"quorum": tier.quorum,
			"expires_in": object.get(tier, "expires_in", "9m"),
			"wait": object.get(tier, "wait", "hold"),
			"justification": "required",
		},
		beside,
	),
} if {
	may_connect
	tier.writes == "hold"
	is_write
}

# METADATA
# title: Writes at low risk
# custom:
#   rule: low_risk_write
#   controls: ["NIST-800-53:AC-3"]
allow contains reason(rego.metadata.rule(), "Your role may write to this connection.") if {
	may_connect
	not is_llm
	tier.writes == "allow"
	is_write
}

# METADATA
# title: Queries that read
# custom:
#   rule: reading_query
#   controls: ["NIST-800-53:AC-3"]
allow contains reason(rego.metadata.rule(), "Your role may query this connection.") if {
	may_connect
	not is_generation
	not is_read
	reads_sql
}

masking contains profile if {
	some profile in tier.masking
}
