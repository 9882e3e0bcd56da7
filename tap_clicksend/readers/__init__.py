"""How the API's collections are read: page by page, in windows of time, or until they are acknowledged."""
