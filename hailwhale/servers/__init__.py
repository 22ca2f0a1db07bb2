"""HTTP: what a request may say, and what is answered.

`params` reads requests and knows the statuses of errors, `web` routes and shapes answers, `static` holds the page; each
server beside them is a table of routes.  None of them listens: `hailwhale.wsgi` does.
"""
