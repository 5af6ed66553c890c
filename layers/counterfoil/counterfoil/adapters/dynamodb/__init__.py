"""Adapters that keep their state in DynamoDB."""
