"""Write docs/settings.rst from the table in hailwhale/settings.py: python tools/make_settings_page.py"""

from pathlib import Path

from hailwhale.settings import SETTINGS, Setting

PAGE = Path(__file__).resolve().parent.parent / 'docs' / 'settings.rst'

HEAD = """\
Settings
========

A setting is given in the environment, or to ``Settings.load`` by its name. ``tools/make_settings_page.py`` writes this
page from the one table in ``hailwhale/settings.py``.

"""


def entry(setting: Setting) -> str:
    """One setting as the item of a definition list."""
    default = f'``{setting.default}``' if str(setting.default) else 'none'
    return f'``{setting.env}`` (``{setting.name}``), default: {default}\n    {setting.help}\n'


def page() -> str:
    return HEAD + '\n'.join(entry(setting) for setting in SETTINGS)


if __name__ == '__main__':
    PAGE.write_text(page(), 'utf-8')
