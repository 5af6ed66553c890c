"""What one mapping counted.

Names: Lambda Developer Guide, "Types of metrics for Lambda functions", sections "Event source mapping metrics" and
"IteratorAge"; the last three are the engine's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class MappingMetrics:
    """Counts of records, except where a name says otherwise."""

    polled_event_count: int = 0
    filtered_out_event_count: int = 0
    invoked_event_count: int = 0
    failed_invoke_event_count: int = 0
    dropped_event_count: int = 0
    on_failure_destination_delivered_event_count: int = 0
    destination_delivery_failures: int = 0
    iterator_age_ms: float = 0.0
    maximum_iterator_age_ms: float = 0.0
    invocations: int = 0
    throttled_reads: int = 0
    lost_leases: int = 0

    def observe_age(self, age_seconds: float) -> None:
        """Age of a batch's last record when the function gets it."""
        self.iterator_age_ms = 1000 * age_seconds
        self.maximum_iterator_age_ms = max(self.maximum_iterator_age_ms, self.iterator_age_ms)
