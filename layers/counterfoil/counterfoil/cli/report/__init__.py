"""``counterfoil report``: the audit report of a period, as a folder that anybody can check and make again."""
