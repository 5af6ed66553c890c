"""Pages of results: how large, how lazily, in what order."""

import pytest

from counterfoil.errors import ClosedError, StatementError
from counterfoil.ion.codec import decode_datagram
from counterfoil.protocol.cursor import PAGE_BYTES, PAGE_VALUES
from counterfoil.protocol.faults import ProtocolError
from tests.scripted_ledgers import Service

pytestmark = pytest.mark.usefixtures("every_kind")

SELECT = "SELECT * FROM T"


class Reading:
    """One open transaction whose statement gives these rows."""

    def __init__(self, rows, text=SELECT):
        self.service = Service()
        self.service.engine.script[text] = rows
        self.token = self.service.session()
        self.transaction_id = self.service.begin(self.token)
        self.first = self.service.execute(self.token, self.transaction_id, text)
        self.results = self.service.engine.results

    def fetch(self, page_token):
        return self.service.fetch(self.token, self.transaction_id, page_token)

    def pages(self):
        answers = [self.first]
        page = self.first["FirstPage"]
        yield page
        while "NextPageToken" in page:
            answers.append(self.fetch(page["NextPageToken"]))
            page = answers[-1]["Page"]
            yield page
        self.answers = answers


def values(page):
    return [decode_datagram(each["IonBinary"]) for each in page["Values"]]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, [0]),
        (1, [1]),
        (PAGE_VALUES, [PAGE_VALUES]),
        (PAGE_VALUES + 1, [PAGE_VALUES, 1]),
        (729, [200, 200, 200, 129]),
    ],
)
def test_pages_hold_all_rows_in_order_and_none_is_empty_but_the_only_one(count, sizes):
    reading = Reading(list(range(count)))
    pages = list(reading.pages())
    assert [len(page["Values"]) for page in pages] == sizes
    assert [row for page in pages for row in values(page)] == list(range(count))


def test_rows_are_drawn_as_they_are_asked_for_and_one_ahead():
    reading = Reading(list(range(1_000)))
    assert reading.results.drawn == PAGE_VALUES + 1
    reading.fetch(reading.first["FirstPage"]["NextPageToken"])
    assert reading.results.drawn == 2 * PAGE_VALUES + 1


def test_a_page_is_bounded_in_bytes_and_a_larger_row_comes_alone():
    third = "x" * (PAGE_BYTES // 3)
    reading = Reading([third, third, third, third, "y" * (PAGE_BYTES + 10), "z"])
    assert [[row[0] for row in values(page)] for page in reading.pages()] == [["x", "x"], ["x", "x"], ["y"], ["z"]]


def test_reads_are_counted_once_over_all_pages():
    reading = Reading(list(range(450)))
    list(reading.pages())
    counted = [answer["ConsumedIOs"] for answer in reading.answers]
    assert sum(each["ReadIOs"] for each in counted) == reading.results.read_ios == 900
    assert all(each["WriteIOs"] == 0 for each in counted)
    assert all(each["TimingInformation"]["ProcessingTimeMilliseconds"] >= 1 for each in reading.answers)


def test_a_change_counts_its_rows_as_writes():
    reading = Reading([{"documentId": "a"}, {"documentId": "b"}], "UPDATE T SET a = 1")
    assert reading.first["ConsumedIOs"]["WriteIOs"] == 2


def test_the_token_of_a_page_is_good_once():
    reading = Reading(list(range(1_000)))
    used = reading.first["FirstPage"]["NextPageToken"]
    second = reading.fetch(used)["Page"]
    for token in (used, "AAAA"):
        with pytest.raises(ProtocolError, match="each is good once"):
            reading.fetch(token)
    assert values(reading.fetch(second["NextPageToken"])["Page"])[0] == 2 * PAGE_VALUES


def test_two_results_are_read_side_by_side():
    reading = Reading(list(range(300)))
    reading.service.engine.script["SELECT b FROM T"] = [f"b{number}" for number in range(300)]
    other = reading.service.execute(reading.token, reading.transaction_id, "SELECT b FROM T")
    first = values(reading.fetch(reading.first["FirstPage"]["NextPageToken"])["Page"])
    second = values(reading.fetch(other["FirstPage"]["NextPageToken"])["Page"])
    assert (first, second) == (list(range(200, 300)), [f"b{number}" for number in range(200, 300)])


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_pages_end_with_their_transaction(end):
    reading = Reading(list(range(300)))
    if end == "commit":
        reading.service.commit(reading.token, reading.transaction_id)
    else:
        reading.service.abort(reading.token)
    with pytest.raises(ProtocolError, match="is not open"):
        reading.fetch(reading.first["FirstPage"]["NextPageToken"])
    reading.transaction_id = reading.service.begin(reading.token)
    with pytest.raises(ProtocolError, match="each is good once"):
        reading.fetch(reading.first["FirstPage"]["NextPageToken"])


def test_a_mistake_that_shows_on_a_later_page_is_told_there_and_ends_the_result():
    reading = Reading([*range(300), StatementError("Evaluator", "Cannot convert 'x' to int", 1, 8)])
    token = reading.first["FirstPage"]["NextPageToken"]
    with pytest.raises(ProtocolError, match="Cannot convert") as caught:
        reading.fetch(token)
    assert caught.value.name == "BadRequestException"
    with pytest.raises(ProtocolError, match="each is good once"):
        reading.fetch(token)
    reading.service.commit(reading.token, reading.transaction_id)


def test_a_transaction_whose_time_is_up_between_two_pages_says_so():
    reading = Reading(list(range(300)))
    reading.service.engine.transactions[0].expired = True
    with pytest.raises(ProtocolError, match=r"Transaction \w+ has expired"):
        reading.fetch(reading.first["FirstPage"]["NextPageToken"])


def test_a_transaction_that_ends_while_rows_are_drawn_is_closed():
    service = Service()
    token = service.session()
    transaction_id = service.begin(token)
    service.engine.script[SELECT] = [1, ClosedError(f"Transaction {transaction_id} has expired")]
    service.engine.transactions[0].ended = True
    with pytest.raises(ProtocolError, match="has expired"):
        service.execute(token, transaction_id, SELECT)
    assert service.begin(token)
