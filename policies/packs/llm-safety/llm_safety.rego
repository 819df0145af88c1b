# METADATA
# title: What is asked of a model, within bounds
# description: Bounds are data/bounds.yaml. What the provider would do on its own account cannot be governed from here.
package packs.llm_safety

import data.exeat.reason
import data.packs.llm_safety.bounds

is_declared(server) if server in bounds.mcp_servers

is_generation if input.action.kind == "llm.generate"

# METADATA
# title: The provider calls no servers of the caller's choice
# custom:
#   rule: provider_calls_servers
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:SC-7(8)"]
deny contains reason(rego.metadata.rule(), "MCP servers that the provider itself would call are not let out.") if {
	some server in input.action.mcp_servers
	not is_declared(server)
}

# METADATA
# title: No text that the gateway does not see
# custom:
#   rule: stored_context
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:AU-12"]
deny contains reason(rego.metadata.rule(), "Conversations that the provider keeps are not let out: send the text.") if {
	input.action.stored_context
	not bounds.stored_context
}

# METADATA
# title: Prompts are text
# description: A prompt may be sent as the numbers of its tokens. Nothing is found in those, so nothing is masked.
# custom:
#   rule: prompt_as_tokens
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:SI-10"]
deny contains reason(rego.metadata.rule(), "A prompt of token numbers cannot be inspected: send the text.") if {
	input.action.tokenized
}

# METADATA
# title: Prompts within bounds
# custom:
#   rule: prompt_too_large
#   controls: ["NIST-800-53:SC-7(10)"]
deny contains reason(rego.metadata.rule(), "The prompt is larger than the bound of this gateway.") if {
	is_generation
	input.action.prompt_tokens_estimate > bounds.prompt_tokens
}

# METADATA
# title: Answers within bounds
# custom:
#   rule: answer_too_large
#   controls: ["NIST-800-53:SC-5"]
deny contains reason(rego.metadata.rule(), "The answer asked for is larger than the bound of this gateway.") if {
	is_generation
	object.get(input.action, "n", 1) * input.action.max_tokens > bounds.max_tokens
}

# METADATA
# title: Files and pictures within bounds
# description: Their content is not inspected for text.
# custom:
#   rule: too_many_attachments
#   controls: ["NIST-800-53:AC-4", "NIST-800-53:SC-7(10)"]
deny contains reason(rego.metadata.rule(), "The request carries more files or pictures than the bound of this gateway.") if {
	is_generation
	some name in {"files", "images"}
	object.get(input.action, name, 0) > bounds[name]
}

# METADATA
# title: Bounds are declared
# description: Without them the rules above would be silent.
# custom:
#   rule: bounds_missing
#   controls: ["NIST-800-53:SI-17"]
deny contains reason(rego.metadata.rule(), "The bounds of this gateway are not declared.") if {
	is_generation
	not bounded
}

bounded if {
	is_number(bounds.prompt_tokens)
	is_number(bounds.max_tokens)
	is_number(bounds.files)
	is_number(bounds.images)
}
