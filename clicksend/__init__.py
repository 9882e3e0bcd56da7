"""ClickSend's REST API v3, reached directly or through the SkillBoss hub; no Singer in it."""
