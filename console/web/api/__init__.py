"""The console's acts as a JSON API, `/api/v1/…`, for programs that carry a person's token.

An *operation* is one entry of `operations.OPERATIONS`: what it is for, who may, what it takes and gives. The routes and
the OpenAPI document are both made of that table, so they cannot differ.
"""
