# Tools, by connection (data/tools.yaml): which ones callers do not even see, and what happens when the definition of
# one is not the one that was seen first.
package exeat

hide contains pattern if some pattern in data.tools.connections[input.connection.name].hide

# To show some is to hide all others.
hide contains "*" if data.tools.connections[input.connection.name].show

hide contains sprintf("!%s", [pattern]) if some pattern in data.tools.connections[input.connection.name].show

called_tools contains message.tool if some message in input.action.mcp.messages

is_hidden(tool) if {
	some pattern in hidden
	glob.match(pattern, null, tool)
	not is_shown(tool)
}

is_shown(tool) if {
	some pattern in hidden
	startswith(pattern, "!")
	glob.match(substring(pattern, 1, -1), null, tool)
}

# METADATA
# title: What is hidden cannot be called
# custom:
#   rule: tool_hidden
#   controls: ["NIST-800-53:AC-6", "NIST-800-53:CM-7"]
deny contains reason(rego.metadata.rule(), "This tool is not there for you.") if {
	some tool in called_tools
	is_hidden(tool)
}

# A definition is what authz says of a tool that is called: the digest of the one that its server gave last, and of the
# one that it gave first. A reviewed one is pinned.
is_reviewed(message) if message.definition.digest == message.definition.first

is_reviewed(message) if {
	message.definition.digest in data.tools.connections[input.connection.name].pins[message.tool]
}

# METADATA
# title: A tool whose definition has changed
# description: A server may say one thing when it is reviewed and another one later; a model obeys what it says last.
# custom:
#   rule: tool_changed
#   controls: ["NIST-800-53:SI-7", "NIST-800-53:CM-5"]
hold contains {
	"reason": reason(rego.metadata.rule(), "The definition of this tool is not the one that was seen first."),
	"approval": {
		"any": data.tools.approvers,
		"quorum": 1,
		"expires_in": "9m",
		"wait": "hold",
		"justification": "optional",
	},
} if {
	some message in input.action.mcp.messages
	message.definition
	not is_reviewed(message)
}

# Calls that a person must see first: the answer of the model flows until one begins.
hold_tool contains {
	"tool": tool,
	"approval": {
		"any": data.tools.callers,
		"quorum": 1,
		"expires_in": "9m",
		"wait": "hold",
		"justification": "none",
	},
} if {
	is_generation
	some tool in data.tools.connections[input.connection.name].hold
}
