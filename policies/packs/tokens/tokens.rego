# METADATA
# title: Tokens out, originals back
# description: |
#   What a connection is not to learn leaves as reversible tokens (profiles of masking.yaml), and where `restore` says so
#   its answers bring the originals back, for the session that they came from. Which connections: data/connections.yaml.
package packs.tokens

request_masking contains profile if some profile in chosen.masking

restore if chosen.restore == true

chosen := data.packs.tokens.connections[input.connection.name]
