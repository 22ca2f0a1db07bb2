"""Sealed tokens, signed texts and visitors' names: what does not come from us, unchanged and for this purpose, is
refused."""

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.errors import SettingsError, TokenRefused
from hailwhale.tokens import Keyring, key_of, key_text, make_key, number_of, read_keys
from hailwhale.uids import cookie_value, new_uid, uid_of
from tests.test_floors import run_fresh

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = Keyring({3: OLD}, 3)
LETTERS = string.ascii_letters + string.digits + '-_'
TOKEN = RING.seal(b'what is sealed', b'test')


def refused(token: str, ring: Keyring = RING, purpose: bytes = b'test') -> str:
    with pytest.raises(TokenRefused) as caught:
        ring.open(token, purpose)
    assert caught.value.message == 'the token was refused (have a new one made)'
    assert caught.value.__cause__ is None
    return caught.value.reason


def refused_signature(signed: str, ring: Keyring = RING, purpose: bytes = b'test') -> str:
    with pytest.raises(TokenRefused) as caught:
        ring.unsign(signed, purpose)
    return caught.value.reason


# -- sealed ----------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=20))
def test_what_was_sealed_is_opened_for_the_same_purpose(plain: bytes, purpose: bytes) -> None:
    token = RING.seal(plain, purpose)
    assert RING.open(token, purpose) == plain
    assert set(token) <= set(LETTERS)


def test_a_token_takes_17_bytes_more_than_what_it_carries() -> None:
    raw = urlsafe_b64decode(TOKEN + '=' * (-len(TOKEN) % 4))
    assert len(raw) == 1 + 16 + len(b'what is sealed')
    assert raw[0] == 3 == number_of(TOKEN)
    assert b'sealed' not in raw


def test_the_same_bytes_give_the_same_token() -> None:
    assert RING.seal(b'what is sealed', b'test') == TOKEN
    assert RING.seal(b'what is Sealed', b'test') != TOKEN


def test_the_format_is_for_good() -> None:
    assert RING.open('A_-5Y3FkMPB_pY9zGtjFgRNtYQws', b'golden') == b'gold'
    assert RING.unsign('gold.A3TF0f3cIyYH_nV-wbs9WlY', b'golden') == 'gold'


def test_nothing_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match='nothing to seal'):
        RING.seal(b'', b'test')


@pytest.mark.parametrize('bit', range(8 * (17 + 14)))
def test_a_token_with_any_bit_flipped_is_refused(bit: int) -> None:
    raw = bytearray(urlsafe_b64decode(TOKEN + '=' * (-len(TOKEN) % 4)))
    raw[bit // 8] ^= 1 << bit % 8
    # The first byte is the number of the key, and no other key is there.
    expected = 'foreign' if bit < 8 else 'forged'
    assert refused(urlsafe_b64encode(raw).rstrip(b'=').decode()) == expected


@pytest.mark.parametrize('place', range(len(TOKEN)))
def test_a_token_with_any_character_changed_is_refused(place: int) -> None:
    for letter in LETTERS.replace(TOKEN[place], '') + '+/=.%é\ud800 \0':
        assert refused(TOKEN[:place] + letter + TOKEN[place + 1 :]) in ('forged', 'foreign')


@pytest.mark.parametrize('length', range(len(TOKEN)))
def test_a_token_cut_off_anywhere_is_refused(length: int) -> None:
    assert refused(TOKEN[:length]) == 'forged'
    assert refused(TOKEN[length + 1 :]) in ('forged', 'foreign')


def test_a_token_has_one_spelling() -> None:
    # 31 bytes are 42 letters, of which the last carries four bits that say nothing.
    others = [TOKEN[:-1] + letter for letter in LETTERS if letter != TOKEN[-1]]
    lenient = [other for other in others if urlsafe_b64decode(other + '==') == urlsafe_b64decode(TOKEN + '==')]
    assert len(lenient) > 2
    spellings = [TOKEN + '=', TOKEN + '==', f' {TOKEN}', f'{TOKEN}\n', f'{TOKEN[:8]}\n{TOKEN[8:]}', f'{TOKEN}A', '']
    for other in (*lenient, *spellings):
        assert refused(other) == 'forged'
    assert refused(TOKEN.replace('-', '+').replace('_', '/') + '+') == 'forged'


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).rstrip(b'=').decode()))
def test_whatever_we_did_not_seal_is_refused(text: str) -> None:
    assert refused(text) in ('forged', 'foreign')


def test_a_token_of_one_purpose_does_not_open_for_another() -> None:
    for purpose in (b'', b'tes', b'testt', b'Test', b'cookie'):
        assert refused(TOKEN, purpose=purpose) == 'forged'


def test_a_token_of_another_key_is_foreign_by_its_number_and_forged_under_ours() -> None:
    assert refused(Keyring({4: OLD}, 4).seal(b'x', b'test')) == 'foreign'
    assert refused(Keyring({3: NEW}, 3).seal(b'x', b'test')) == 'forged'


def test_the_number_of_the_key_is_covered_by_the_check() -> None:
    twice = Keyring({3: OLD, 4: OLD}, 3)
    raw = urlsafe_b64decode(TOKEN + '==')
    assert refused(urlsafe_b64encode(b'\x04' + raw[1:]).rstrip(b'=').decode(), twice) == 'forged'


def test_after_a_rotation_old_tokens_open_and_new_ones_are_of_the_new_key() -> None:
    rotated = Keyring({4: NEW, 3: OLD}, 4)
    assert rotated.open(TOKEN, b'test') == b'what is sealed'
    fresh = rotated.seal(b'what is sealed', b'test')
    assert number_of(fresh) == 4
    assert refused(fresh) == 'foreign'
    assert refused(TOKEN, Keyring({4: NEW}, 4)) == 'foreign'


@pytest.mark.parametrize('token', ['', 'A', 'AA', 'AAA', '====', 'é\ud800aaaa', '+aaaa'])
def test_what_is_no_token_has_no_number(token: str) -> None:
    assert number_of(token) is None


# -- signed ----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=40), st.binary(max_size=20))
def test_what_was_signed_is_read_back_for_the_same_purpose(text: str, purpose: bytes) -> None:
    signed = RING.sign(text, purpose)
    assert signed.startswith(f'{text}.')
    assert RING.unsign(signed, purpose) == text
    assert refused_signature(signed, purpose=purpose + b'x') == 'forged'


def test_a_signed_text_with_any_character_changed_or_left_out_is_refused() -> None:
    signed = RING.sign('ann', b'test')
    for place in range(len(signed)):
        assert refused_signature(signed[:place]) == 'forged'
        assert refused_signature(signed[:place] + signed[place + 1 :]) in ('forged', 'foreign')
        for letter in (LETTERS + '.=é').replace(signed[place], ''):
            assert refused_signature(signed[:place] + letter + signed[place + 1 :]) in ('forged', 'foreign')


def test_a_purpose_and_a_text_do_not_read_as_another_purpose_and_text() -> None:
    tag = RING.sign('b', b'a').partition('.')[2]
    assert refused_signature(f'ab.{tag}', purpose=b'') == 'forged'


def test_a_signature_says_whose_key_it_is_and_survives_its_rotation() -> None:
    signed = RING.sign('ann', b'test')
    assert Keyring({4: NEW, 3: OLD}, 4).unsign(signed, b'test') == 'ann'
    assert refused_signature(signed, Keyring({4: NEW}, 4)) == 'foreign'
    assert refused_signature(signed, Keyring({3: NEW}, 3)) == 'forged'


def test_a_sealed_token_is_no_signature_of_anything() -> None:
    assert refused_signature(f'what is sealed.{TOKEN}') == 'forged'
    assert refused_signature(f'.{TOKEN[:23]}') == 'forged'


# -- visitors --------------------------------------------------------------------------------------------------------


def test_a_new_visitor_has_a_name_of_128_random_bits() -> None:
    uids = {new_uid() for _ in range(1_000)}
    assert len(uids) == 1_000
    assert {len(urlsafe_b64decode(f'{uid}==')) for uid in uids} == {16}


def test_a_visitor_is_known_by_the_cookie_that_we_signed_and_no_other() -> None:
    uid = new_uid()
    cookie = cookie_value(RING, uid)
    assert len(cookie) == 46
    assert set(cookie) <= {*LETTERS, '.'}
    assert uid_of(RING, cookie) == uid
    other = new_uid()
    for wrong in (None, '', uid, f'{uid}.', other + cookie[22:], cookie + 'x', RING.sign(uid, b'test'), TOKEN):
        assert uid_of(RING, wrong) is None


def test_only_names_as_we_make_them_come_out_of_a_cookie() -> None:
    assert uid_of(RING, cookie_value(RING, 'ann')) is None
    assert uid_of(RING, cookie_value(RING, 'a' * 21 + '\n')) is None


# -- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_32_random_bytes_in_43_characters() -> None:
    keys = {make_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {43}
    assert {len(key_of(key)) for key in keys} == {32}
    assert key_of(key_text(OLD)) == OLD


def test_any_43_characters_of_base64_are_a_key() -> None:
    assert len(key_of('_' * 43)) == 32


def test_keys_are_read_as_the_setting_spells_them_and_the_first_seals() -> None:
    ring = read_keys(f'4:{key_text(NEW)} 3:{key_text(OLD)}')
    assert (ring.first, ring.numbers) == (4, (4, 3))
    assert ring.open(TOKEN, b'test') == b'what is sealed'


@pytest.mark.parametrize(
    'text',
    [
        *('', '3', '3:', '3:abc', f':{"a" * 43}', f'x:{"a" * 43}', f'²:{"a" * 43}', f'256:{"a" * 43}'),
        *(f'3:{"a" * 44}', f'3:{"a" * 43} 3:{"b" * 43}', f'3:{"é" * 43}', f'3:{"!" * 43}'),
    ],
)
def test_what_is_no_list_of_keys_is_refused_without_showing_them(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_keys(text)
    assert 'aaa' not in str(caught.value)


def test_a_keyring_has_keys_of_one_length_and_seals_with_one_of_them() -> None:
    for keys, first in (({3: OLD}, 4), ({}, 0), ({3: OLD[:31]}, 3), ({3: OLD, 4: b''}, 3), ({256: OLD}, 256)):
        with pytest.raises(SettingsError):
            Keyring(keys, first)


def test_a_keyring_does_not_show_its_keys() -> None:
    assert repr(RING) == 'Keyring(numbers=(3,), first=3)'
    secret = make_key()
    assert secret not in repr(read_keys(f'1:{secret}'))


def test_the_library_beneath_is_imported_when_something_is_sealed() -> None:
    program = """
import json, sys
import hailwhale.pixels, hailwhale.uids
from hailwhale.tokens import Keyring
ring = Keyring({0: bytes(32)}, 0)
ring.unsign(ring.sign('a', b'b'), b'b')
before = 'cryptography' in sys.modules
ring.seal(b'a', b'b')
print(json.dumps([before, 'cryptography' in sys.modules]))
"""
    assert run_fresh(program) == [False, True]
