"""The API: what each endpoint is asked and what it answers, free of HTTP machinery."""
