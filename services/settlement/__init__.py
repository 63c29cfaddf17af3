"""The context of shares, periods, payouts."""
