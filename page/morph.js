/**
 * Makes an element like another one with as few changes as possible, so that focus, selection, what is open and where somebody has
 * scrolled to stay as they are. What was put in by hand (`data-keep`) is left alone.
 * @param {Element} old the one on the page
 * @param {Element} next what it has to be like; its parts are used up
 */
export function morph(old, next) {
  if (old.hasAttribute('data-keep')) return
  morphAttributes(old, next)
  morphChildren(old, next)
}

/** The state of the page, which the server does not know. */
const ownAttributes = new Set(['open', 'aria-disabled'])

/**
 * @param {Element} old
 * @param {Element} next
 */
function morphAttributes(old, next) {
  for (const { name } of Array.from(old.attributes))
    if (!next.hasAttribute(name) && !ownAttributes.has(name)) old.removeAttribute(name)
  for (const { name, value } of next.attributes)
    if (old.getAttribute(name) !== value && !ownAttributes.has(name)) old.setAttribute(name, value)
}

/**
 * What has a key is found by it wherever it is now, so that a row that comes in on top changes no other row.
 * @param {Element} old
 * @param {Element} next
 */
function morphChildren(old, next) {
  const wanted = [...next.childNodes]
  const wantedKeys = new Set(wanted.map(keyOf).filter((key) => key !== undefined))
  /** @type {Map<string, ChildNode>} */
  const keyed = new Map()
  for (const child of Array.from(old.childNodes)) {
    const key = keyOf(child)
    if (key === undefined) continue
    if (wantedKeys.has(key)) keyed.set(key, child)
    else child.remove()
  }
  let at = old.firstChild
  for (const node of wanted) {
    const key = keyOf(node)
    const match = key === undefined ? at : keyed.get(key)
    if (match === undefined || match === null || !isAlike(match, node)) {
      old.insertBefore(node, at)
      continue
    }
    // Whoever has the focus would lose it by being moved; what is in the way and not wanted any more goes instead.
    while (at !== null && at !== match && keyOf(at) === undefined) at = withoutIt(at)
    if (at === match) at = match.nextSibling
    else old.insertBefore(match, at)
    if (match instanceof Element && node instanceof Element) morph(match, node)
    else if (match.nodeValue !== node.nodeValue) match.nodeValue = node.nodeValue
  }
  while (at !== null) at = withoutIt(at)
}

/**
 * @param {ChildNode} node
 * @returns {ChildNode | null} the one behind it
 */
function withoutIt(node) {
  const next = node.nextSibling
  node.remove()
  return next
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof Element ? (node.getAttribute('data-key') ?? undefined) : undefined
}

/**
 * @param {Node} one
 * @param {Node} other
 */
function isAlike(one, other) {
  return one.nodeName === other.nodeName && keyOf(one) === keyOf(other)
}
