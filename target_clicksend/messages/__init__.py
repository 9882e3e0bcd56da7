"""How rows become messages that go out once each: parse, check by the gates, send, reconcile, cancel."""
