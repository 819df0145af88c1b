# Who may use which connection and model: a caller's groups give roles (data/roles.yaml), a role names connections
# and tiers of models (data/models.yaml).
package exeat

roles contains role if {
	some role in data.roles
	some group in role.groups
	group in input.identity.groups
}

connections contains name if {
	some role in roles
	some name in role.connections
}

models contains pattern if {
	some role in roles
	input.connection.name in role.connections
	some tier in role.models
	some pattern in data.models[tier]
}

may_connect if input.connection.name in connections

is_generation if startswith(input.action.kind, "llm.")

is_llm if input.connection.kind in {"anthropic", "openai"}

is_read if input.request.method in {"GET", "HEAD"}

model_allowed if {
	is_string(input.action.model)
	some pattern in models
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
	not is_read
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
