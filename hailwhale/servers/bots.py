"""Visitors that are programs, by how they call themselves: no policy learns from them.

Libraries such as curl are not among them: with those, servers ask for their visitors.
"""

from __future__ import annotations

import re

#: Words of the names of crawlers, monitors and previews; browsers have none of them.  Cubot makes telephones.
_BOT = re.compile(
    r'(?<!cu)bot(?:\b|[/;_ -])|crawl|spider|slurp|archiver|scrape|preview|monitor|uptime|pingdom|lighthouse|headless'
    r'|phantomjs|facebookexternalhit|whatsapp|mediapartners|feed(?:burner|ly)|validator',
    re.IGNORECASE,
)


def is_bot(agent: str) -> bool:
    """Whether a ``User-Agent`` is that of a program.

    >>> is_bot('Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)')
    True
    >>> is_bot('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0')
    False
    """
    return _BOT.search(agent) is not None
