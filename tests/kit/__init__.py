"""Pieces that tests compose: servers, the real Envoy, conversations. Everything ends what it starts."""
