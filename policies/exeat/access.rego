# Who may use which connection and model: a caller's groups give roles (data/roles.yaml), a role names connections
# and tiers of models (data/models.yaml).
package exeat

roles contains role if {
	some role in data.roles
	some group in role.groups
	group in input.identity.groups
}

# The name first: whoever has no role is told by `explain` which connection it was about.
may_connect if {
	name := input.connection.name
	some role in roles
	name in role.connections
}

is_generation if startswith(input.action.kind, "llm.")

is_llm if input.connection.kind in {"anthropic", "openai", "azure_openai", "gemini"}

# A way into a container changes what runs there, whatever the method says.
is_read if {
	input.request.method in {"GET", "HEAD"}
	not is_way_in
}

is_way_in if input.action.kind in {"kubernetes.exec", "kubernetes.attach", "kubernetes.portforward", "kubernetes.proxy"}

is_read if input.action.kind == "mcp.end"

# MCP speaks by POST alone: a request reads when each of its messages does.
is_read if {
	input.action.kind == "mcp.call"
	every message in input.action.mcp.messages {
		reads_mcp(message)
	}
}

reads_mcp(message) if {
	message.kind != "answer"
	message.method in {
		"initialize", "server/discover", "ping", "logging/setLevel", "completion/complete",
		"tools/list", "prompts/list", "prompts/get", "resources/list", "resources/templates/list", "resources/read",
		"resources/subscribe", "resources/unsubscribe", "subscriptions/listen",
	}
}

reads_mcp(message) if startswith(message.method, "notifications/")

# An answer to the server that says no, or nothing.
reads_mcp(message) if {
	message.kind == "answer"
	message.empty
}

model_allowed if {
	is_string(input.action.model)
	some role in roles
	input.connection.name in role.connections
	some tier in role.models
	some pattern in data.models[tier]
	glob.match(pattern, null, input.action.model)
}

# METADATA
# title: Connections by group
# custom:
#   rule: no_role
#   controls: ["NIST-800-53:AC-3", "NIST-800-53:AC-6"]
deny contains reason(rego.metadata.rule(), "None of your groups may use this connection.") if {
	not may_connect
}

# METADATA
# title: Models by tier
# custom:
#   rule: model_tier
#   controls: ["NIST-800-53:AC-6"]
deny contains reason(rego.metadata.rule(), "None of your groups may use this model.") if {
	may_connect
	is_generation
	not model_allowed
}

# METADATA
# title: Only generation on model providers
# description: Files, batches, fine-tuning and the like of a provider need a rule of their own.
# custom:
#   rule: provider_surface
#   controls: ["NIST-800-53:AC-4"]
deny contains reason(rego.metadata.rule(), "Only generation and listing models is let out to a model provider.") if {
	is_llm
	not is_generation
	not lists_models
}

# Any other reading fetches what others have left there: files, answers, results of batches, keys of the organisation.
lists_models if {
	is_read
	regex.match(`/(models(/[^/]+){0,2}|deployments(/[^/]+)?)$`, input.request.path)
}

# METADATA
# title: Generation with a model of one's tier
# custom:
#   rule: generation
#   controls: ["NIST-800-53:AC-3"]
allow contains reason(rego.metadata.rule(), "Your role may use this model.") if {
	may_connect
	is_generation
	model_allowed
}

# METADATA
# title: Reading
# custom:
#   rule: reading
#   controls: ["NIST-800-53:AC-3"]
allow contains reason(rego.metadata.rule(), "Your role may read from this connection.") if {
	may_connect
	not is_generation
	is_read
}
