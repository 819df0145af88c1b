package packs_sql_safety_test

import data.exeat.decision
import data.exeat_fixtures as given

statement(verb, tables, where) := {"verb": verb, "tables": tables, "where": where}

asked(statements) := object.union(given.ledger("POST", "/query"), {"action": {
	"kind": "sql.query",
	"sql": {"statements": statements},
}})

answer(statements) := found if found := decision with input as asked(statements)

test_reading_is_let_out if {
	answer([statement("select", ["ledger"], false)]).effect == "allow"
}

test_drop_and_truncate_are_refused if {
	every verb in ["drop", "truncate"] {
		found := answer([statement("select", ["a"], true), statement(verb, ["a"], false)])
		found.effect == "deny"
		given.rules(found) == {"sql_destroys"}
	}
}

test_a_write_needs_a_where if {
	every verb in ["delete", "update"] {
		found := answer([statement(verb, ["notes"], false)])
		found.effect == "deny"
		given.rules(found) == {"sql_unbounded"}
		answer([statement(verb, ["notes"], true)]).effect == "hold"
	}
}

test_a_statement_that_cannot_be_read_is_refused if {
	found := answer([statement("unparsable", [], false)])
	found.effect == "deny"
	given.rules(found) == {"sql_unreadable"}
}

test_rights_are_not_granted if {
	given.rules(answer([statement("grant", [], false)])) == {"sql_grants"}
	given.rules(answer([statement("revoke", [], false)])) == {"sql_grants"}
}

test_the_books_need_an_approver if {
	every table in ["ledger", "finance.ledger", "LEDGER_2026", "postings", "bank.public.journal_lines"] {
		found := answer([statement("insert", [table], false)])
		found.effect == "hold"
		"sql_ledger" in given.rules(found)
		found.approval.all == ["ledger-approvers"]
	}
}

test_a_password_reset_needs_a_security_officer_also_with_a_where if {
	found := answer([statement("update", ["public.users"], true)])
	found.effect == "hold"
	"sql_credentials" in given.rules(found)
	found.approval.all == ["ledger-approvers", "security-officers"]
}

test_structure_needs_the_owner_of_the_database if {
	every verb in ["create", "alter", "call"] {
		found := answer([statement(verb, ["x"], false)])
		found.effect == "hold"
		"sql_structure" in given.rules(found)
	}
}

test_a_connection_of_low_risk_is_held_for_its_tables_alone if {
	place := {"connection": given.at("ledger", "http", "low")}
	found := decision with input as object.union(asked([statement("insert", ["ledger"], false)]), place)
	found.effect == "hold"
	found.approval.any == ["ledger-approvers"]
	other := decision with input as object.union(asked([statement("insert", ["notes"], false)]), place)
	other.effect == "allow"
}

test_a_password_column_counts_in_any_table if {
	reset := {"verb": "update", "tables": ["staff"], "where": true, "columns": ["password_hash"], "functions": []}
	found := answer([reset])
	found.effect == "hold"
	"sql_credentials" in given.rules(found)
}

test_passwords_are_not_reset_for_everybody if {
	every verb in ["update", "merge"] {
		reset := {"verb": verb, "tables": ["staff"], "where": false, "columns": ["password"], "functions": []}
		found := answer([reset])
		found.effect == "deny"
		"sql_bulk_reset" in given.rules(found)
	}
}

test_functions_that_reach_out_are_refused if {
	every name in ["dblink_exec", "pg_read_file", "xp_cmdshell", "load_file"] {
		call := {"verb": "select", "tables": [], "where": false, "columns": [], "functions": [name]}
		given.rules(answer([call])) == {"sql_functions"}
	}
	usual := {"verb": "select", "tables": ["ledger"], "where": true, "columns": [], "functions": ["risk_score"]}
	answer([usual]).effect == "allow"
}
