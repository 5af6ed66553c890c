"""How much an account's profile keeps, and why that much."""

from __future__ import annotations

from typing import Final

# The newest flows in each direction, beyond those of the last SLACK blocks: a month of an account that moves money twice a day.
MAX_FLOWS: Final = 64
# Where money came from: the newest origins, of all traces together.
MAX_TRACED: Final = 64
# Per direction: the counterparties met most recently, with how often; and the accounts that shared one most recently.
MAX_PARTIES: Final = 64
MAX_SHARED: Final = 64
# Names of accounts are kept up to this many bytes in JSON; a longer one is represented by the beginning of its hash. With these
# limits a profile takes at most 55 KB of what an account's state may take.
MAX_NAME_BYTES: Final = 22
# Accounts whose names are remembered with their ids: some 2 MB.
MAX_NAMES: Final = 8_192
# Days of everyday payments that are remembered.
MAX_DAYS: Final = 29
# Blocks whose entries are kept beyond these limits: more than a batch holds, for an account brought up after a crash.
SLACK: Final = 512
# And no list beyond this many times its limit, however many of its entries are that young. An account so busy that it reaches this
# may, after a crash in the middle of a batch, take in less of another's neighbourhood than it would have.
MOST: Final = 2
# Money is followed over this many hops (and a cycle is that long at most).
MAX_HOPS: Final = 5
# Of another's profile this much is taken in per transfer, the newest; below MAX_FLOWS and MAX_TRACED, so that what was there
# before a block can still be found behind it.
MAX_TAKEN: Final = 48

DAY: Final = 86_400
MONTH: Final = 28 * DAY
FORTNIGHT: Final = 14 * DAY
