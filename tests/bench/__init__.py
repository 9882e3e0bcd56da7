"""How fast the tap is, next to a bare loop over the same pages: ``cd tests && python -m bench --help``."""
