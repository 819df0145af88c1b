# METADATA
# title: The decision
# description: |
#   Rules, here and in every pack (package packs.NAME), contribute to these sets:
#     deny contains REASON                        REASON: {rule, message, controls}
#     hold contains {"reason": REASON, "approval": {any, quorum, …}}
#     hold_tool contains {"tool": NAME, "approval": {any, quorum, …}}     held where a model's answer calls it
#     allow contains REASON
#     masking contains PROFILE
#     hide contains TOOL                          a pattern of names; "!NAME" takes one out again
#     request_masking contains PROFILE            changes the request before it is forwarded
#     restore := true                             reversible tokens are turned back in the answer, for who made them
#   Deny outranks hold, hold outranks allow, and where no rule speaks nothing is let out. A pack may also give
#   `controls`: from a control that a rule serves to those of another framework.
#
#   A rule whose METADATA says `custom.mode: shadow` only watches, and so does all of a connection of `mode: shadow`:
#   what would have been decided stands in `shadow`, and takes no effect. Masking is never a shadow.
package exeat

decision := plain if {
	not only_watching
} else := object.union(plain, {"shadow": {
	"effect": would.effect,
	"reasons": explained(would.reasons),
}})

plain := {
	"effect": verdict.effect,
	"reasons": explained(verdict.reasons),
	"approval": approval,
	"tools": {"hold": sort(held_tools), "hide": sort(hidden)},
	"masking": sort(masked),
	"request_masking": sort(request_masking),
	"restore": restoring,
	"record": "full",
	"snapshot": data.snapshot.digest,
}

# Calls of tools that are held in a model's answer. Where the request is held as well, the terms of both count.
held_tools := {held.tool | some held in tool_holds} if verdict.effect != "deny"

else := set()

# Who never answers is said once, for whatever a pack holds.
approval := object.union(asked, {"never": [group | some group in never]}) if is_object(asked)

else := null

never := {group | some group in data.duties.never_approve} | {group |
	some held in (holds | tool_holds)
	some group in held.approval.never
}

asked := verdict.approval if {
	count(held_tools) == 0
} else := terms(holds | tool_holds) if {
	verdict.effect == "hold"
} else := terms(tool_holds)

tool_holds contains held if {
	some held in hold_tool
	not watched
}

tool_holds contains held if {
	some held in data.packs[_].hold_tool
	not watched
}

watched if input.connection.mode == "shadow"

verdict := {"effect": "allow", "reasons": {watching}, "approval": null} if {
	watched
} else := weighed(denials - shadow_denials, holds - shadow_holds) if {
	only_watching
} else := weighed(denials, holds)

watching := {
	"rule": "shadow",
	"message": "This connection is only watched; nothing is denied or held.",
	"controls": [],
}

# What would be decided if nothing only watched.
would := weighed(denials, holds)

only_watching if watched

only_watching if {
	some reason in denials
	reason.mode == "shadow"
}

only_watching if {
	some held in holds
	held.reason.mode == "shadow"
}

# Taken away from the whole, so that what has another shape than these comprehensions expect stays in force.
shadow_denials := {reason | some reason in denials; reason.mode == "shadow"}

shadow_holds := {held | some held in holds; held.reason.mode == "shadow"}

weighed(denying, holding) := {"effect": "deny", "reasons": denying, "approval": null} if {
	count(denying) > 0
} else := {"effect": "hold", "reasons": {held.reason | some held in holding}, "approval": terms(holding)} if {
	count(holding) > 0
} else := {"effect": "allow", "reasons": grants, "approval": null} if {
	count(grants) > 0
} else := {"effect": "deny", "reasons": {nothing_allows}, "approval": null}

nothing_allows := {
	"rule": "default_deny",
	"message": "No rule lets this request out.",
	"controls": ["NIST-800-53:AC-3"],
}

denials contains reason if some reason in deny

denials contains reason if some reason in data.packs[_].deny

holds contains held if some held in hold

holds contains held if some held in data.packs[_].hold

grants contains reason if some reason in allow

grants contains reason if some reason in data.packs[_].allow

hidden contains tool if some tool in hide

hidden contains tool if some tool in data.packs[_].hide

masked contains profile if some profile in masking

masked contains profile if some profile in data.packs[_].masking

request_masking contains profile if some profile in data.packs[_].request_masking

default restoring := false

restoring if data.packs[_].restore == true

# The terms of one hold are its own. Several together ask for somebody of each group, for the largest number of people,
# and for a reason.
terms(holding) := held.approval if {
	count(holding) == 1
	some held in holding
} else := {
	"all": [group | some group in {name | some held in holding; some name in held.approval.any}],
	"quorum": max([object.get(held.approval, "quorum", 1) | some held in holding]),
	"expires_in": "9m",
	"wait": "hold",
	"justification": "required",
}

# What a rule's METADATA says of it, and the sentence for the caller. What it does not say must not make the rule silent.
reason(annotations, message) := {
	"rule": object.get(annotations, ["custom", "rule"], "unnamed"),
	"message": message,
	"controls": object.get(annotations, ["custom", "controls"], []),
	"mode": object.get(annotations, ["custom", "mode"], "enforce"),
}

# As the decision has them: with the controls that packs add.
explained(reasons) := [answer |
	some reason in reasons
	answer := {
		"rule": reason.rule,
		"message": reason.message,
		"controls": sort({control | some control in reason.controls} | {control |
			some own in reason.controls
			some control in mapped[_][own]
		}),
	}
]

mapped := [controls | controls := data.packs[_].controls]
