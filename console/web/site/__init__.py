"""One file per page: its routes, who may see it, and what it asks. Templates have the page's name."""
