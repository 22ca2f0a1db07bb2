"""The page of the command line: it names every option of every command and no other, and its examples are true."""

import re
import shlex
from pathlib import Path

import pytest

from hailwhale.cli.parser import parse
from tests.consoles import BLOCK, ROOT, commands, run

PAGE = ROOT / 'docs' / 'cli.rst'
TEXT = PAGE.read_text('utf-8')
EXAMPLES = commands(PAGE)
SECTIONS = dict(re.findall(r'^(\w[\w-]*)\n-+\n(.*?)(?=^\w[\w-]*\n-+\n|\Z)', TEXT, re.MULTILINE | re.DOTALL))
#: A server goes on until it is stopped, and a year of flights takes its time: other tests run those.
LONG = re.compile(r'hailwhale (?:serve|hail|whale|demo)\b')


def options(text: str) -> set[str]:
    return set(re.findall(r'(?<![\w-])--[a-z][a-z-]*[a-z]', text))


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """The help of a command, and of all that it does."""
    with pytest.raises(SystemExit):
        parse([*command, '--help'])
    text = capsys.readouterr().out
    _, of_actions, actions = text.partition('\nactions:\n  ACTION\n')
    names = re.findall(r'^    (\w[\w-]*)(?:  |$)', actions, re.MULTILINE) if of_actions else []
    return ''.join([text, *(help_of(capsys, *command, name) for name in names)])


def test_every_command_has_its_section_and_no_other_thing_has(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r'^    (\w[\w-]*)(?:  |$)', help_of(capsys), re.MULTILINE)
    assert len(listed) > 5
    assert list(SECTIONS) == listed


@pytest.mark.parametrize('command', SECTIONS)
def test_a_section_names_every_option_of_its_command_and_no_other(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # An example may show what another command makes of it: all of them are read below.
    assert options(BLOCK.sub('', SECTIONS[command])) == options(help_of(capsys, command)) - {'--help'}


def test_the_beginning_names_the_options_before_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    beginning = TEXT[: TEXT.index('\nserve\n-----\n')]
    assert options(help_of(capsys)) <= options(beginning)


@pytest.mark.parametrize('text', [example.text for example in EXAMPLES])
def test_every_example_is_a_command_that_can_be_read(text: str) -> None:
    for part in re.split(r'\s\|\s', text):
        words = shlex.split(part)
        if words[0] == 'hailwhale':
            assert parse(words[1:]).run


def test_the_examples_print_what_the_page_shows(tmp_path: Path) -> None:
    ours = [example for example in EXAMPLES if not LONG.match(example.text)]
    assert len(ours) > 10
    for example in ours:
        printed = run(example.text, tmp_path)
        assert example.prints(printed), f'{example.text}\n{printed}'
