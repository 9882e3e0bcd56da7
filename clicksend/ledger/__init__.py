"""The ledger: what was sent to ClickSend, and what came of every row.

``ledger.Ledger`` opens one. What goes in and comes out is in ``records``, which needs no SQLAlchemy: to
import that takes as long as the rest of a start.
"""
