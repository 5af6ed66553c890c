"""QLDB's two protocols without a transport: request values in, answer values out.

Values are those of the service models (docs/protocol.md): mappings with the models' names, bytes for blobs, aware datetimes
for timestamps. Shapes have been checked before they come here (``server.shapes``); what only a ledger can judge is checked here.
"""
