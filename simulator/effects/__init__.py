"""Services that do things: accounts, mail with referees, chat."""
