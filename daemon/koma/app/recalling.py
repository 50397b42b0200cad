"""What a store lost, or never learnt, rebuilt from what lies in the outputs folder."""

from koma.ports import Publisher, Store


def recall(store: Store, publisher: Publisher) -> int:
    """Put in the takes that receipts tell of and the store does not know, and where they are published; how many takes there were.

    What the store knows stays as it is. It may be stopped anywhere, and goes on the next time.
    """
    known = {row.take_key for row in store.take_rows()}
    lying = store.published()
    shown = {(row.target, row.rendition) for row in lying}
    count = 0
    for take, published in publisher.recall(known, {row.path.rpartition(".")[0] for row in lying}):
        if take.take_key not in known:
            store.put_take(take)
            count += 1
        if published is not None and (published.target, published.rendition) not in shown:
            store.put_published(published)
    return count
