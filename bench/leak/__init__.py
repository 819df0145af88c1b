"""The leak score: every splitting of every scenario through the running gateway, and what of it a client could read.

A *format* is a way in which an upstream answers (Anthropic text deltas, a JSON body, headers, …). Each carries the same
*samples*: invented secrets of every kind. A *case* is one format, cut in one way. An upstream of bare bytes plays it,
the gateway passes it on, and the *score* looks in all that the client received for pieces of the samples.
"""
