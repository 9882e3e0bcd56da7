"""The whole way on one machine: a local ClickSend, Meltano, and a real PostgreSQL. See ``__main__``."""
