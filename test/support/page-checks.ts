import type { Page } from 'playwright-core'

/**
 * Texts that cannot be read well: whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3), each with its number. What is
 * behind is the nearest background that is not see-through.
 */
export async function unreadableTexts(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number)
    const luminance = ([red, green, blue]) => {
      const [r, g, b] = [red, green, blue].map((value) => value / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element) => {
      for (let at = element; at !== null; at = at.parentElement) {
        const color = numbers(getComputedStyle(at).backgroundColor)
        if (color.length === 3 || color[3] > 0) return color
      }
      return [255, 255, 255]
    }
    const found = new Set()
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement
      const text = texts.currentNode.nodeValue.trim()
      if (text === '' || element.closest('.unseen, option, [hidden]') !== null || !element.checkVisibility()) continue
      const [one, other] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))]
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
      if (contrast < 4.5) found.add(element.tagName + '.' + element.className + ' ' + text.slice(0, 30) + ': ' + contrast.toFixed(2))
    }
    return [...found]
  })()`)
}

/** What somebody who does not see the page could not use: controls and pictures without a name, ids that are there twice, headings that skip a level. */
export async function unnamedParts(page: Page): Promise<string[]> {
  return await page.evaluate(`(() => {
    const found = []
    const nameOf = (element) =>
      element.getAttribute('aria-label') ?? ([...(element.labels ?? [])].map((label) => label.textContent).join(' ') || element.textContent)
    for (const element of document.querySelectorAll('a, button, input, select, summary, [role=img]'))
      if (nameOf(element).trim() === '') found.push('no name: ' + element.outerHTML.slice(0, 100))
    for (const svg of document.querySelectorAll('svg'))
      if (svg.getAttribute('role') !== 'img' && svg.getAttribute('aria-hidden') !== 'true') found.push('picture: ' + svg.outerHTML.slice(0, 100))
    for (const table of document.querySelectorAll('table')) if (table.caption === null) found.push('table without a caption')
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
    for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push('twice: ' + id)
    for (const element of document.querySelectorAll('[aria-labelledby]'))
      if (document.getElementById(element.getAttribute('aria-labelledby')) === null && element.tagName !== 'DIALOG')
        found.push('label that is not there: ' + element.getAttribute('aria-labelledby'))
    let level = 0
    for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
      const next = Number(heading.tagName[1])
      if (next > level + 1) found.push('heading skips a level: ' + heading.textContent)
      level = next
    }
    return found
  })()`)
}

/** By how many pixels the page is wider than its window. */
export async function overflowPx(page: Page): Promise<number> {
  return await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
