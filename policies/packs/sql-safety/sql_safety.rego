# METADATA
# title: SQL that agents may not run, or not alone
# description: authz lists every statement of the fields that a connection declares (`sql_fields`).
package packs.sql_safety

import data.exeat.reason

statements := input.action.sql.statements

writes := {"insert", "update", "delete", "merge"}

# The last part of a name is the table; the rest is catalog and schema.
is_one_of(table, patterns) if {
	some pattern in patterns
	some name in {table, regex.replace(table, `^.*\.`, "")}
	glob.match(pattern, null, lower(name))
}

# METADATA
# title: Statements that nobody can read
# custom:
#   rule: sql_unreadable
#   controls: ["NIST-800-53:SI-10", "NIST-800-53:AC-4"]
deny contains reason(rego.metadata.rule(), "A statement in this request cannot be read with certainty.") if {
	some statement in statements
	statement.verb == "unparsable"
}

# METADATA
# title: Tables are not dropped
# custom:
#   rule: sql_destroys
#   controls: ["NIST-800-53:AC-6", "NIST-800-53:CM-5"]
deny contains reason(rego.metadata.rule(), "DROP and TRUNCATE are not let out.") if {
	some statement in statements
	statement.verb in {"drop", "truncate"}
}

# METADATA
# title: No write without a WHERE
# custom:
#   rule: sql_unbounded
#   controls: ["NIST-800-53:AC-6", "NIST-800-53:SI-10"]
deny contains reason(rego.metadata.rule(), "DELETE and UPDATE need a WHERE of their own.") if {
	some statement in statements
	statement.verb in {"delete", "update"}
	not statement.where
}

# METADATA
# title: Rights are not granted by agents
# custom:
#   rule: sql_grants
#   controls: ["NIST-800-53:AC-2", "NIST-800-53:AC-6"]
deny contains reason(rego.metadata.rule(), "GRANT and REVOKE are not let out.") if {
	some statement in statements
	statement.verb in {"grant", "revoke"}
}

# METADATA
# title: Structure and procedures need a second person
# custom:
#   rule: sql_structure
#   controls: ["NIST-800-53:CM-5", "NIST-800-53:AC-5"]
hold contains {
	"reason": reason(rego.metadata.rule(), "A change of structure or a procedure call needs approval."),
	"approval": terms(data.packs.sql_safety.tables.structure.approvers),
} if {
	some statement in statements
	statement.verb in {"create", "alter", "call"}
}

# METADATA
# title: Functions that reach beyond the database
# description: Files, other servers, commands, other sessions, and SQL in a text, which nobody here reads.
# custom:
#   rule: sql_functions
#   controls: ["NIST-800-53:AC-6", "NIST-800-53:SI-10"]
deny contains reason(rego.metadata.rule(), "A function in this request reaches beyond the database.") if {
	some statement in statements
	some name in statement.functions
	is_one_of(name, data.packs.sql_safety.tables.functions)
}

touches_credentials(statement) if {
	some table in statement.tables
	is_one_of(table, data.packs.sql_safety.tables.credentials.names)
}

touches_credentials(statement) if {
	some column in statement.columns
	is_one_of(column, data.packs.sql_safety.tables.credentials.columns)
}

# METADATA
# title: No password reset for everybody
# description: An UPDATE of passwords without a WHERE is refused and not held. Nobody should grant it by mistake.
# custom:
#   rule: sql_bulk_reset
#   controls: ["NIST-800-53:IA-5", "NIST-800-53:AC-6"]
deny contains reason(rego.metadata.rule(), "Passwords are not reset for many at once.") if {
	some statement in statements
	statement.verb in {"update", "merge"}
	not statement.where
	some column in statement.columns
	is_one_of(column, data.packs.sql_safety.tables.credentials.columns)
}

# METADATA
# title: Accounts and passwords need a second person
# description: A password reset for many is an UPDATE of one of these tables or columns, however its WHERE reads.
# custom:
#   rule: sql_credentials
#   controls: ["NIST-800-53:IA-5", "NIST-800-53:AC-5"]
hold contains {
	"reason": reason(rego.metadata.rule(), "A write to accounts or passwords needs approval."),
	"approval": terms(data.packs.sql_safety.tables.credentials.approvers),
} if {
	some statement in statements
	statement.verb in writes
	touches_credentials(statement)
}

# METADATA
# title: The books need a second person
# custom:
#   rule: sql_ledger
#   controls: ["NIST-800-53:AC-5", "NIST-800-53:AC-3"]
hold contains {
	"reason": reason(rego.metadata.rule(), "A write to the books needs approval."),
	"approval": terms(data.packs.sql_safety.tables.ledger.approvers),
} if {
	some statement in statements
	statement.verb in writes
	some table in statement.tables
	is_one_of(table, data.packs.sql_safety.tables.ledger.names)
}

terms(approvers) := {
	"any": approvers,
	"quorum": 1,
	"expires_in": "9m",
	"wait": "hold",
	"justification": "required",
}
