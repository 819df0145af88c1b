"""Simulated upstreams for demo and tests: Anthropic Messages, OpenAI Chat Completions and Responses, a bank's ledger.

They speak the real wire formats and play scripted scenarios (`scenarios.yaml`): the first `play: NAME` found in the
request's text chooses one, else the answer is a plain greeting. Their data is invented; cards are test numbers.
They keep what they received (`GET /sim/received`), so that tests can see what really left the gateway.
"""
