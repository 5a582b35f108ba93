/**
 * Has the buttons do what they do without leaving the page.
 * @param {() => void} onDone told when something has changed
 */
export function startActions(onDone) {
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!(form instanceof HTMLFormElement)) return
    if (form.dataset['act'] !== undefined) {
      event.preventDefault()
      void act(form, onDone)
    } else if (form.id === 'explain-form' && dialog() !== null) {
      event.preventDefault()
      const [method, path] = [...new FormData(form).values()].map(String)
      void explain(`/explain?${new URLSearchParams({ method: method ?? '', path: path ?? '' })}`)
    }
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null) return
    if (link.closest('dialog') !== null) dialog()?.close()
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0
    if (!link.hasAttribute('data-explain') || !isPlain) return
    event.preventDefault()
    void explain(link.href)
  })
}

/**
 * Sends what a form would, and says beside its button what came of it.
 * @param {HTMLFormElement} form
 * @param {() => void} onDone
 */
async function act(form, onDone) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'))
  // Disabled in earnest it would lose the focus.
  if (button.getAttribute('aria-disabled') === 'true') return
  button.setAttribute('aria-disabled', 'true')
  say(form, `${form.dataset['busy']} …`, 'busy')
  try {
    const response = await fetch(form.action, { method: 'POST', headers: { Accept: 'application/json' } })
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const said = isJson ? wordsOf(await response.json()) : (await response.text()).trim()
    say(form, response.ok ? `${form.dataset['done']}${said}` : said, response.ok ? 'good' : 'bad')
  } catch {
    say(form, 'The gateway cannot be reached. Nothing is known of what became of it.', 'bad')
  }
  button.removeAttribute('aria-disabled')
  onDone()
}

/** @param {{ fingerprint?: string, error?: string, problems?: string[] }} answer */
function wordsOf({ fingerprint, error, problems }) {
  if (fingerprint !== undefined) return `: token ${fingerprint}`
  return error ?? problems?.join('\n') ?? ''
}

/**
 * @param {HTMLFormElement} form
 * @param {string} text
 * @param {string} state
 */
function say(form, text, state) {
  const outcome = form.querySelector('.outcome')
  if (outcome instanceof HTMLElement) {
    outcome.textContent = text
    outcome.dataset['state'] = state
  }
  const announcements = document.getElementById('announcements')
  const name = form.querySelector('button')?.getAttribute('aria-label') ?? form.querySelector('button')?.textContent
  if (announcements !== null) announcements.textContent = `${name}: ${text}`
}

/**
 * Shows what would become of a request, as the page for it says it.
 * @param {string} url
 */
async function explain(url) {
  const place = document.getElementById('dialog-text')
  if (place === null) return
  try {
    const response = await fetch(url, { headers: { Accept: 'text/html' } })
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const found = page.getElementById('explanation')
    if (found === null) throw new Error(`The gateway answers ${response.status}`)
    place.replaceChildren(...found.childNodes)
  } catch (error) {
    const title = document.createElement('h2')
    title.id = 'explanation-title'
    title.tabIndex = -1
    title.textContent = 'There is no explanation'
    const words = document.createElement('p')
    words.textContent = error instanceof Error && !(error instanceof TypeError) ? error.message : 'The gateway cannot be reached.'
    place.replaceChildren(title, words)
  }
  dialog()?.showModal()
  document.getElementById('explanation-title')?.focus()
}

function dialog() {
  return /** @type {HTMLDialogElement | null} */ (document.getElementById('dialog'))
}
