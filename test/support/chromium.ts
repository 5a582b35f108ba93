import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest'
import { projectRoot } from './cli-process.ts'

const program = '/usr/bin/chromium'

/** Tests that need a real browser; where there is none they are skipped and say so, but never in CI. */
export const describeWithChromium =
  process.env['CI'] === 'true' || existsSync(program)
    ? // A browser of its own takes its time on a machine that has other things to do.
      (name: string, tests: () => void) => describe(name, { timeout: 60_000 }, tests)
    : (name: string, tests: () => void) => describe.skip(`${name} (skipped: ${program} is not installed)`, tests)

/** A page in a browser of its own profile. */
export interface OpenPage {
  readonly page: Page
  /** What the browser complained about so far: errors, refused scripts and styles, requests to other origins. */
  readonly complaints: string[]
}

/** Opens a page, and waits until it is there. */
export type OpenInChromium = (url: string, options?: BrowserContextOptions) => Promise<OpenPage>

/**
 * Starts a browser for the tests of a `describe`. When a test ends, nothing that was asked for may have gone to another origin, and the
 * browser must have had nothing to complain about but what the test has taken out of `complaints`.
 */
export function chromiumForTests(): OpenInChromium {
  let browser: Browser | undefined
  beforeAll(async () => {
    // Root has no sandbox, and the machine may have little shared memory.
    browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  }, 60_000)
  afterAll(async () => await browser?.close())
  return async (url, options = {}) => {
    if (browser === undefined) throw new Error('the browser has not been started')
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const complaints: string[] = []
    const { origin } = new URL(url)
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`))
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) complaints.push(`request to ${request.url()}`)
    })
    if (options.javaScriptEnabled !== false)
      await page.addInitScript(
        "addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => console.error('policy', violatedDirective, blockedURI))",
      )
    onTestFinished(async () => {
      await context.close()
      expect(complaints, 'what the browser complained about').toEqual([])
    })
    await page.goto(url)
    if (options.javaScriptEnabled !== false) await page.locator('html[data-script]').waitFor({ state: 'attached' })
    return { page, complaints }
  }
}

/** Keeps a picture of the page, the whole or what the window shows, for people to look at: `test-artifacts/status-page/NAME.png`. */
export async function keepPicture(page: Page, name: string, fullPage = true): Promise<void> {
  const folder = join(projectRoot, 'test-artifacts/status-page')
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage })
}

/** Waits until an expression is true in the page. Asked from outside: the page's policy forbids to evaluate texts within. */
export async function untilInPage(page: Page, expression: string, timeout = 10_000): Promise<void> {
  // While the page is being loaded again there is nobody to ask.
  await expect
    .poll(async () => await page.evaluate(expression).catch(() => undefined), { timeout, message: expression })
    .toBe(true)
}
