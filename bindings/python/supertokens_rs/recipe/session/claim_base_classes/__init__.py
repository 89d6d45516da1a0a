"""Claims with a layout of the SDK."""
