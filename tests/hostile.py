"""Names that mean harm, or look as if they did: what somebody may send as any name or parameter.

Each group says why it is here.  What could run as a script marks itself when it does: it sets ``window.ran`` or opens
a dialog, so that a test in a browser sees it.  All of them are names like any other, but for those of `UNSAYABLE`.
"""

from __future__ import annotations

from typing import NamedTuple

#: What a script of ours does when it runs.
MARK = 'window.ran=1'
#: Bytes of a name, at the most.
LONGEST = 512


class Group(NamedTuple):
    """Texts of one kind, and why they are here."""

    name: str
    reason: str
    texts: tuple[str, ...]


GROUPS = (
    Group(
        'elements',
        'A text that is put into HTML as it is makes elements: scripts, and what loads or runs without one.',
        (
            f'<script>{MARK}</script>',
            f'<ScRiPt >{MARK}</sCrIpT >',
            f'<script\n>{MARK}</script\t>',
            f'<script src="data:text/javascript,{MARK}"></script>',
            f'<script type="module">{MARK}</script>',
            f'<<script>{MARK}//<</script>',
            f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
            f'<object data="data:text/html,<script>parent.{MARK}</script>"></object>',
            f'<template><script>{MARK}</script></template>',
            '<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=javascript:alert(1)">',
            '<form action="javascript:alert(1)"><button id=hostile>go</button></form>',
        ),
    ),
    Group(
        'handlers',
        'innerHTML runs no script element, but handlers of the elements that it makes do run.',
        (
            f'<img src=x onerror={MARK}>',
            f'<img src=x onerror="{MARK}" ',
            f'<svg onload={MARK}>',
            f'<body onload={MARK}>',
            f'<input autofocus onfocus={MARK}>',
            f'<details open ontoggle={MARK}>names</details>',
            f'<video><source onerror={MARK}></video>',
            f'<a href=# onmouseover={MARK} tabindex=1 onfocus={MARK}>point here</a>',
            f'<p style="animation:x 1s" onanimationstart={MARK}>',
            f'<img/src=x/onerror={MARK}//',
        ),
    ),
    Group(
        'attributes',
        'A text within an attribute leaves it by the quote that the attribute has, or by a blank where it has none.',
        (
            f'" onmouseover="{MARK}" x="',
            f"' onmouseover='{MARK}' x='",
            f'` onmouseover=`{MARK}` x=`',
            f'x onfocus={MARK} autofocus tabindex=0',
            f'"><img src=x onerror={MARK}>',
            f"'><img src=x onerror={MARK}>",
            f'"/><svg/onload={MARK}>',
            '"]; [data-name="',
        ),
    ),
    Group(
        'addresses',
        'A text that becomes href or src runs with some schemes, however they are spelled.',
        (
            f'javascript:{MARK}',
            f'JaVaScRiPt:{MARK}',
            f'java\tscript:{MARK}',
            f'\x01javascript:{MARK}',
            f'javascript://%0a{MARK}',
            f'data:text/html,<script>{MARK}</script>',
            'data:text/html;base64,PHNjcmlwdD53aW5kb3cucmFuPTE8L3NjcmlwdD4=',
            'vbscript:msgbox(1)',
            '//evil.example/',
            'https://user@evil.example:81/embed?pk=a',
            '\\\\evil.example\\share',
        ),
    ),
    Group(
        'other vocabularies',
        'SVG and MathML have their own scripts, links and animations, and change how what follows is parsed.',
        (
            f'<svg><script>{MARK}</script></svg>',
            f'<svg><a xlink:href="javascript:{MARK}"><text y=20>x</text></a></svg>',
            f'<svg><animate onbegin={MARK} attributeName=x dur=1s>',
            f'<svg><set attributeName=href to=javascript:{MARK}></svg>',
            f'<math><mtext><style><img src=x onerror={MARK}></style></mtext></math>',
            f'<svg><desc><![CDATA[</desc><img src=x onerror={MARK}>]]>',
        ),
    ),
    Group(
        'closers',
        'Text of these elements ends at their closing tag alone, whatever quotes stand around it.',
        (
            f'</script><script>{MARK}</script>',
            f'</style><img src=x onerror={MARK}>',
            f'</title><img src=x onerror={MARK}>',
            f'</textarea><img src=x onerror={MARK}>',
            f'</noscript><img src=x onerror={MARK}>',
            f'</iframe><img src=x onerror={MARK}>',
            f'--><img src=x onerror={MARK}>',
            f'--!><img src=x onerror={MARK}><!--',
            f'<!--<script>{MARK}</script>',
            f']]><img src=x onerror={MARK}>',
        ),
    ),
    Group(
        'templates',
        'Engines of templates, and literals of scripts, evaluate what stands in their brackets.',
        (
            '{{constructor.constructor("alert(1)")()}}',
            f'${{{MARK}}}',
            '{title}{up}{discovery}',
            '<%= 7*7 %>',
            '#{7*7}',
            f'\\"-({MARK})-\\"',
            f"';{MARK}//",
            f'\u2028{MARK}\u2028//',
            f'\u2029{MARK}\u2029//',
        ),
    ),
    Group(
        'styles',
        'A text in a style sheet leaves its rule, and a style can load and hide.',
        (
            '}*{display:none !important}a{',
            'red;background:url(https://evil.example/)',
            '</style><style>*{display:none}',
            '@import "https://evil.example/style.css";',
            'expression(alert(1))',
        ),
    ),
    Group(
        'json',
        'A name that looks like a value is a name all the same, and may not end the text that holds it.',
        (
            '{"a":1}',
            '[1]',
            '["a","b"]',
            '"quoted"',
            'null',
            'true',
            '1e999',
            '-0',
            '007',
            '1.50',
            'NaN',
            '[',
            '{',
            f'"}}</script><script>{MARK}</script>',
            '\\u003cscript\\u003e',
            '\\',
        ),
    ),
    Group(
        'encoded',
        'What is decoded once too often, or in another encoding, becomes what it only looked like.',
        (
            '&lt;script&gt;alert(1)&lt;/script&gt;',
            '&#60;img src=x onerror=alert(1)&#62;',
            '&amp;amp;&quot;&apos;&nbsp;',
            '%3Cscript%3Ealert(1)%3C/script%3E',
            '%253Cscript%253Ealert(1)%253C/script%253E',
            '+ADw-script+AD4-alert(1)+ADw-/script+AD4-',
            '\xc0\xbcscript\xc0\xbe',
            '\xbcscript\xbealert(1)\xbc/script\xbe',
            '＜script＞alert(1)＜/script＞',
            'a+b c%20d&e=f',
        ),
    ),
    Group(
        'control characters',
        'They end texts and lines of other programs, or move the cursor of a terminal.',
        (
            'be\0fore',
            '\0',
            '\x1b[2J\x1b]0;title\x07',
            '\x7f\x85\x9f',
            'one\ntwo\rthree\ttab\x0bfeed\x0c',
        ),
    ),
    Group(
        'unseen',
        'Two names may look the same, look like nothing, or turn what stands beside them around.',
        (
            '\u200b\u200b',
            '\u2060\ufeff\xad',
            'admin\u200b',
            '\u202eevil\u202c',
            '\u202egpj.exe',
            '\u2066isolated',
            'раураl',
            'e\u0301',
            '\xe9',
            ' edges ',
            '\xa0\u3000',
            'Z\u0351\u036b\u0343\u036a\u0302a\u0334l\u0351g\u0352o\u0357',
            '\ufffe\uffff',
        ),
    ),
    Group(
        'prototypes',
        'An object of a script has these names before anybody has put them there.',
        (
            '__proto__',
            'constructor',
            'prototype',
            'hasOwnProperty',
            'toString',
            'valueOf',
            '__defineGetter__',
            'length',
            'name',
            'then',
            '_',
            '[other]',
        ),
    ),
    Group(
        'headers and paths',
        'A line end begins another header, a dot another directory, and a NUL ends what C reads.',
        (
            'x\r\nSet-Cookie: hostile=1',
            'x\r\n\r\n<script>alert(1)</script>',
            'x\nX-Hostile: 1',
            '\u560d\u560aX-Hostile:1',
            '../../../../etc/passwd',
            '..\\..\\windows\\win.ini',
            '..%2f..%2fetc%2fpasswd',
            '/etc/passwd\0.board.json',
            'file:///etc/passwd',
            '.',
        ),
    ),
    Group(
        'engines',
        'Fragments of other languages: of databases, formats, shells, and of the engine that counts.',
        (
            "'; DROP TABLE hits; --",
            '" OR ""="',
            '%s%n%x{0.__class__}{}',
            '$(touch hostile)`touch hostile`|touch hostile',
            '=HYPERLINK("https://evil.example/","click")',
            "redis.call('FLUSHALL')",
            ']]--[==[ return redis.call("FLUSHALL") ]==]',
            '*1\r\n$8\r\nFLUSHALL\r\n',
            '{tag}:{other}:*?[a-z]',
            'a:b/c%2Fd',
            '*',
        ),
    ),
    Group(
        'sizes',
        'As long as a name may be, in bytes of one and of four to a character, and what is drawn wide or high.',
        (
            'W' * LONGEST,
            '\U0001f433' * (LONGEST // 4),
            f'{"<b>" * 100}{MARK}',
            '\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f3f4\U000e0067\U000e0062\U000e007f',
            '\ufdfd\u0bf5',
        ),
    ),
)

#: Texts that no name can hold: they are refused, with a reason, wherever a name is meant.
UNSAYABLE = Group(
    'unsayable',
    'JSON can spell half a character, which has no bytes in UTF-8; and what is too long is too long for a key.',
    (
        '\ud800',
        'a\udfffb',
        '\ude00\ud83d',
        'W' * (LONGEST + 1),
        '\U0001f433' * (LONGEST // 4 + 1),
        '<script>' * 2_000,
    ),
)

#: Every name, and what has a name for a test: ``elements-0``.
NAMES = tuple(text for group in GROUPS for text in group.texts)
IDS = tuple(f'{group.name.replace(" ", "-")}-{index}' for group in GROUPS for index in range(len(group.texts)))
#: All texts, names or not.
ALL = (*NAMES, *UNSAYABLE.texts)
