"""The server: who may come in, limits, faults, controls, and what is kept from one run to the next."""
