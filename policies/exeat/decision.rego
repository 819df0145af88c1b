# METADATA
# title: The decision
# description: |
#   Rules, here and in every pack (package packs.NAME), contribute to four sets:
#     deny contains REASON                        REASON: {rule, message, controls}
#     hold contains {"reason": REASON, "approval": {any, quorum, …}}
#     allow contains REASON
#     masking contains PROFILE
#   Deny outranks hold, hold outranks allow, and where no rule speaks nothing is let out. A pack may also give
#   `controls`: from a control that a rule serves to those of another framework.
package exeat

decision := {
	"effect": verdict.effect,
	"reasons": [explained(reason) | some reason in verdict.reasons],
	"approval": verdict.approval,
	"tools": {"hold": [], "hide": []},
	"masking": [profile | some profile in masked],
	"restore": false,
	"record": "full",
	"snapshot": data.snapshot.digest,
}

verdict := {"effect": "deny", "reasons": denials, "approval": null} if {
	count(denials) > 0
} else := {"effect": "hold", "reasons": {held.reason | some held in holds}, "approval": terms} if {
	count(holds) > 0
} else := {"effect": "allow", "reasons": grants, "approval": null} if {
	count(grants) > 0
} else := {"effect": "deny", "reasons": {nothing_allows}, "approval": null}

nothing_allows := {
	"rule": "default_deny",
	"message": "No rule lets this request out.",
	"controls": ["NIST-800-53:AC-3"],
}

denials := deny | {reason | some reason in data.packs[_].deny}

holds := hold | {held | some held in data.packs[_].hold}

grants := allow | {reason | some reason in data.packs[_].allow}

masked := masking | {profile | some profile in data.packs[_].masking}

# The terms of one hold are its own. Several together ask for somebody of each group, for the largest number of people,
# and for a reason.
terms := held.approval if {
	count(holds) == 1
	some held in holds
} else := {
	"all": [group | some group in {name | some held in holds; some name in held.approval.any}],
	"quorum": max([object.get(held.approval, "quorum", 1) | some held in holds]),
	"expires_in": "9m",
	"wait": "hold",
	"justification": "required",
}

# What a rule's METADATA says of it, and the sentence for the caller.
reason(annotations, message) := {
	"rule": annotations.custom.rule,
	"message": message,
	"controls": annotations.custom.controls,
}

# The same with the controls that packs add.
explained(reason) := object.union(reason, {"controls": [control | some control in controls_of(reason)]})

controls_of(reason) := {control | some control in reason.controls} | {control |
	some own in reason.controls
	some control in data.packs[_].controls[own]
}
