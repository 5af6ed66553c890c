"""Where a service says it is: the region and account of the ARNs that it gives."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    region: str = "us-east-1"
    account: str = "000000000000"

    def ledger_arn(self, name: str) -> str:
        return f"arn:aws:qldb:{self.region}:{self.account}:ledger/{name}"

    def table_arn(self, name: str, table_id: str) -> str:
        return f"{self.ledger_arn(name)}/table/{table_id}"

    def streams_arn(self, name: str) -> str:
        """What the ARNs of a ledger's streams begin with, but for a slash."""
        return f"arn:aws:qldb:{self.region}:{self.account}:stream/{name}"

    def stream_arn(self, name: str, stream_id: str) -> str:
        return f"{self.streams_arn(name)}/{stream_id}"
