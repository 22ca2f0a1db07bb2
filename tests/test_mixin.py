"""Objects that count, without any framework: plain classes with the attributes that models have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hailwhale import InvalidPath
from hailwhale.mixin import WhaleMixin
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import NOW


class Tag(WhaleMixin):
    whale_id = 'slug'
    whale_name = 'Label'

    def __init__(self, slug: str) -> None:
        self._slug = slug

    def slug(self) -> str:
        return self._slug


class Tags:
    """What a related manager looks like."""

    def __init__(self, *tags: Tag) -> None:
        self._tags = tags

    def all(self) -> tuple[Tag, ...]:
        return self._tags


class Seller(WhaleMixin):
    whale_id = staticmethod(lambda seller: f'seller-{seller.number}')  # type: ignore[assignment] # taken for a method

    def __init__(self, number: int) -> None:
        self.number = number


class Product(WhaleMixin):
    whale_related = ('seller', 'tags', 'similar', 'nothing')
    nothing = None

    def __init__(self, id: int | None, seller: Seller, tags: Tags, similar: list[Product]) -> None:
        self.id = id
        self.seller = seller
        self.tags = tags
        self._similar = similar

    def similar(self) -> list[Product]:
        return self._similar


@pytest.fixture(autouse=True)
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=lambda: NOW) as whale:
        Whale.use(whale)
        yield whale
        Whale.use(None)


@pytest.fixture
def product() -> Product:
    seller = Seller(7)
    other = Product(2, seller, Tags(), [])
    return Product(42, seller, Tags(Tag('new'), Tag('red')), [other])


def test_an_object_counts_for_itself_and_for_what_it_is_related_to(product: Product, whale: Whale) -> None:
    assert product.count_now({'country': 'US'}, {'revenue': 5.25}, id='order-1')
    assert not product.count_now({'country': 'US'}, {'revenue': 5.25}, id='order-1')
    for pk in (['Product', 42], ['Product', 2], ['Seller', 'seller-7'], ['Label', 'new'], ['Label', 'red']):
        assert whale.total(pk, 'revenue', period='today') == 5.25, pk
    assert whale.total('Product', 'revenue', period='today') == 10.5
    product.count_now(metric='looks')
    assert whale.total(['Label', 'red'], 'looks', period='today') == 1


def test_an_object_answers_for_its_own_pk(product: Product) -> None:
    product.count_now({'country': 'US'}, {'revenue': 5.25})
    assert product.totals(metrics=['revenue'], period='today') == {'today': {'_': {'revenue': 5.25}}}
    assert sum(product.plotpoints(metric='revenue', period='today')['_']['revenue'].values()) == 5.25
    assert product.total('revenue') == product.today('revenue') == 5.25
    assert product.yesterday('revenue') == 0
    assert [row.dimension for row in product.rank()] == ['_', ['country', 'US']]
    assert product.get_subdimensions() == [['country']]
    assert product.all_subdimensions() == [['country'], ['country', 'US']]
    product.update_count_to(metrics={'stock': 3})
    assert product.today('stock') == 3
    assert product.reset_counts() == 3
    assert product.today('revenue') == 0


def test_an_object_without_an_id_says_so(product: Product) -> None:
    product.id = None
    with pytest.raises(InvalidPath, match=r"Product has no id .* 'id' is None \(save it first\)"):
        product.count_now()


def test_where_a_related_object_cannot_be_counted_nothing_is(product: Product, whale: Whale) -> None:
    product.similar()[0].id = None
    with pytest.raises(InvalidPath, match='Product has no id'):
        product.count_now()
    product.tags = Tags('new')  # type: ignore[arg-type]
    with pytest.raises(InvalidPath, match="'tags' is related, but no WhaleMixin: 'new'"):
        product.count_now()
    assert whale.pks() == []


def test_a_class_may_count_in_a_whale_of_its_own(whale: Whale) -> None:
    class Page(WhaleMixin):
        id = 'home'

    Page.whale = whale
    Whale.use(None)
    assert Page().count_now()
    assert whale.total(['Page', 'home'], period='today') == 1
