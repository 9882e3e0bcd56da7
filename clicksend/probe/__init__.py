"""``clicksend probe``: asks an account what nobody has confirmed about ClickSend's API.

The points are one table (``points``); ``reads`` and its neighbours find out by reading, ``lists`` and
``messages`` with objects of the probe's own (``own``), ``marks`` by marking receipts as read.
"""
