"""The console and API over HTTP. Server-rendered, no build step."""
