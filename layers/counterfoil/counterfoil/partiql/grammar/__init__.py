"""The parser by sense: a cursor over tokens, expressions on it, queries on those, statements on those.

Each is a class that extends the one before, since expressions hold queries that hold expressions.
"""
