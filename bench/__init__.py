"""The bench: what the engine takes beside the stock libraries, in one run on one machine."""
