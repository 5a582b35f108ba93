/**
 * Shows of the last requests those that are looked for. What is looked for stands in the address behind the `#`, so that it can be
 * passed on and survives a reload.
 * @returns {{ apply: () => void } | undefined} what has to be called when the requests have changed
 */
export function startFilter() {
  const found = document.getElementById('filter')
  if (!(found instanceof HTMLFormElement)) return undefined
  const form = found
  const text = field(form, 'text')
  const status = field(form, 'status')
  const route = field(form, 'route')
  let wantedRoute = ''

  /** The list has the routes of the last requests only. */
  function keepRoute() {
    if (wantedRoute === '' || !(route instanceof HTMLSelectElement)) return
    if (![...route.options].some(({ value }) => value === wantedRoute)) {
      const option = new Option(wantedRoute)
      option.dataset['key'] = wantedRoute
      route.add(option)
    }
    route.value = wantedRoute
  }

  function apply() {
    keepRoute()
    const words = text.value.toLowerCase().split(' ').filter(Boolean)
    const rows = [...document.querySelectorAll('table.requests tbody tr')].filter((row) => row instanceof HTMLElement)
    let shown = 0
    for (const row of rows) {
      const content = row.textContent.toLowerCase()
      const isShown =
        (route.value === '' || row.dataset['route'] === route.value) &&
        (status.value === '' || row.dataset['status']?.startsWith(status.value) === true) &&
        words.every((word) => content.includes(word))
      row.hidden = !isShown
      if (isShown) shown++
    }
    const isFiltering = route.value !== '' || status.value !== '' || words.length > 0
    const count = document.getElementById('filter-count')
    if (count !== null) count.textContent = isFiltering ? `${shown} of ${rows.length}` : ''
    const nothing = document.getElementById('nothing-found')
    if (nothing !== null) nothing.hidden = shown > 0
    return `${shown} of ${rows.length} requests`
  }

  function read() {
    const wanted = new URLSearchParams(location.hash.slice(1))
    if (![...wanted.keys()].some((name) => ['route', 'status', 'text'].includes(name))) return
    for (const part of [route, status, text]) part.value = wanted.get(part.name) ?? ''
    wantedRoute = wanted.get('route') ?? ''
  }

  function write() {
    const wanted = new URLSearchParams()
    for (const part of [route, status, text]) if (part.value !== '') wanted.set(part.name, part.value)
    history.replaceState(null, '', wanted.size === 0 ? location.pathname : `#${wanted}`)
  }

  form.addEventListener('input', () => {
    wantedRoute = route.value
    write()
    const words = apply()
    const announcements = document.getElementById('announcements')
    if (announcements !== null) announcements.textContent = words
  })
  form.addEventListener('submit', (event) => event.preventDefault())
  text.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent) || event.key !== 'Escape' || text.value === '') return
    event.preventDefault()
    text.value = ''
    text.dispatchEvent(new Event('input', { bubbles: true }))
  })
  window.addEventListener('hashchange', () => {
    read()
    apply()
  })
  read()
  apply()
  return { apply }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
function field(form, name) {
  return /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name))
}
