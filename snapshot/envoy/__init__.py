"""Envoy's configuration, rendered from settings and snapshot as typed messages.

`bootstrap.py`  what is read once: listener, filters, the two service clusters, admin
`filters.py`    the filter chain whose settings are security, each with its reason
`replies.py`    Envoy's own errors in the caller's API shape
`dynamic.py`    what a snapshot may change: routes, upstream clusters, secret references
`files.py`      writing, by atomic rename, and `envoy --mode validate`
`process.py`    running Envoy: its command line, and the drain (`python -m snapshot.envoy`)

The typed messages are `envoy-data-plane`'s (config only; on the wire we use upb messages, see
docs/dependencies.md).
"""

from snapshot.envoy.files import EnvoyRefused, envoy_binary, render, render_bootstrap, validate

__all__ = ["EnvoyRefused", "envoy_binary", "render", "render_bootstrap", "validate"]
