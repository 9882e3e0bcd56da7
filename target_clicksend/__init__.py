"""Singer target for ClickSend."""
