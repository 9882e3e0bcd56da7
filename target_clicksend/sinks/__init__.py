"""The sinks, each the way into one part of ClickSend."""
