# Requests that the tests share.
package exeat_fixtures

at(connection, kind, risk) := {"name": connection, "kind": kind, "risk": risk}

research := {"subject": "research-agent", "groups": ["research"]}

finance := {"subject": "ledger-agent", "groups": ["finance"], "owner": "dave@bank.example"}

intern := {"subject": "intern-agent", "groups": []}

generation(model) := {
	"identity": research,
	"connection": at("anthropic", "anthropic", "standard"),
	"request": {"method": "POST", "path": "/v1/messages"},
	"action": {"kind": "llm.generate", "model": model},
	"findings": [],
}

ledger(method, path) := {
	"identity": finance,
	"connection": at("ledger", "http", "high"),
	"request": {"method": method, "path": path},
	"action": {"kind": "http.request"},
	"findings": [],
}

query(verbs) := object.union(ledger("POST", "/query"), {"action": {
	"kind": "sql.query",
	"sql": {"statements": [{"verb": verb, "tables": ["accounts"], "where": true} | some verb in verbs]},
}})

rules(decision) := {reason.rule | some reason in decision.reasons}
