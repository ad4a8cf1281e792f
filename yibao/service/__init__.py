"""The public services, one folder each. None knows another; settlement, above them, asks them for facts."""
