/** What can stand in a linked list, in one at a time. */
export interface ListItem<Item> {
  /** The list's business. */
  previousItem: Item | undefined
  nextItem: Item | undefined
}

/**
 * Items in the order in which they were added. For what comes and goes with each request, in place of a Set: a Set makes its table
 * anew all the time, each table points at the next, and one that has grown old keeps whatever the later ones held from being
 * collected, which came to half of what the requests had ever allocated.
 */
export class LinkedList<Item extends ListItem<Item>> {
  #first: Item | undefined
  #last: Item | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Item | undefined {
    return this.#first
  }

  /** Adds an item, which must not stand in a list, at the end. */
  add(item: Item): void {
    this.#size++
    item.previousItem = this.#last
    if (this.#last === undefined) this.#first = item
    else this.#last.nextItem = item
    this.#last = item
  }

  /** Takes out an item, which must stand in this list. */
  remove(item: Item): void {
    this.#size--
    const { previousItem: previous, nextItem: next } = item
    if (previous === undefined) this.#first = next
    else previous.nextItem = next
    if (next === undefined) this.#last = previous
    else next.previousItem = previous
    // Nothing that has left may hold on to what is still there.
    item.previousItem = undefined
    item.nextItem = undefined
  }

  /** In order. The item that is looked at may be taken out meanwhile, no other. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.#first; item !== undefined;) {
      const { nextItem } = item
      yield item
      item = nextItem
    }
  }
}
