"""The event formats of language-model APIs and MCP: which strings of which events are pieces of one text."""
