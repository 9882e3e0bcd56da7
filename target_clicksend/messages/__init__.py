"""How messages go out, once each: sending, judging the answers, and looking up what stayed unanswered."""
