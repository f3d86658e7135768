"""The HTTP sandbox: every capability of the library as resources, for integrators in any language.

``create_app`` (extra ``[web]``) makes the ASGI application that ``ecny-tax serve`` runs.
"""
