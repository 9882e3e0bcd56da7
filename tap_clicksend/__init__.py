"""Singer tap for ClickSend."""
