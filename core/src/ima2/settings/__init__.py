"""Where things lie and what the user has set: folders, ``config.json``, precedence."""
