"""The gates: what a message passes before it may be sent, in the order of ``chain``. They send nothing."""
