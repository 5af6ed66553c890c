"""Sample events for every function, made of real blocks, each with the result that follows from how it was made.

``python -m lab.events`` (``make events``) writes them to events/; events/README.md describes the files.
"""
