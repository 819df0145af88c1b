package packs_tokens_test

import data.exeat.decision
import data.exeat_fixtures as given

asked := given.generation("claude-sonnet-4-5")

test_what_is_entrusted_goes_out_as_tokens_and_comes_back if {
	found := decision with input as asked
		with data.packs.tokens.connections as {"anthropic": {"masking": ["entrusted"], "restore": true}}
	found.request_masking == ["entrusted"]
	found.restore
}

test_tokens_need_not_come_back if {
	found := decision with input as asked
		with data.packs.tokens.connections as {"anthropic": {"masking": ["entrusted"], "restore": false}}
	found.request_masking == ["entrusted"]
	not found.restore
}

test_other_connections_are_left_alone if {
	found := decision with input as asked
		with data.packs.tokens.connections as {"openai": {"masking": ["entrusted"], "restore": true}}
	found.request_masking == []
	not found.restore
}
