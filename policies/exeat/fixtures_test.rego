# Requests that the tests share.
package exeat_fixtures

at(connection, kind, risk) := {"name": connection, "kind": kind, "risk": risk}

research := {"subject": "research-agent", "groups": ["research"]}

finance := {"subject": "ledger-agent", "groups": ["finance"], "owner": "dave@bank.example"}

intern := {"subject": "intern-agent", "groups": []}

counts(tokens, rows) := {"tokens": tokens, "rows": rows}

# What one scope used in every window.
windows(numbers) := {name: numbers | some name in ["minute", "hour", "day", "month"]}

usage(numbers) := {scope: windows(numbers) | some scope in ["identity", "agent", "session", "connection"]}

unused := usage(counts(0, 0))

generation(model) := {
	"identity": research,
	"connection": at("anthropic", "anthropic", "standard"),
	"request": {"method": "POST", "path": "/v1/messages"},
	"action": {"kind": "llm.generate", "model": model},
	"findings": [],
	"usage": unused,
}

ledger(method, path) := {
	"identity": finance,
	"connection": at("ledger", "http", "high"),
	"request": {"method": method, "path": path},
	"action": {"kind": "http.request"},
	"findings": [],
	"usage": unused,
}

query(verbs) := object.union(ledger("POST", "/query"), {"action": {
	"kind": "sql.query",
	"sql": {"statements": [{"verb": verb, "tables": ["accounts"], "where": true} | some verb in verbs]},
}})

rules(decision) := {reason.rule | some reason in decision.reasons}
