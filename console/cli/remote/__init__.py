"""`exeat --server URL …`: nouns over the console's JSON API, from a machine that has nothing of the gateway.

It needs the address of a console and a person's token (`--token`, else EXEAT_TOKEN), and reads no settings.
"""
