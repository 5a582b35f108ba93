import { assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barChart, lineChart } from '../../src/admin/page/chart.ts'
import { markup } from '../../src/admin/page/markup.ts'
import { ago, ahead, counted, duration, grouped, milliseconds } from '../../src/admin/page/words.ts'

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

describe('markup', () => {
  it('shows any text as it is, and lets none of it be more than text', () => {
    assert(
      property(string({ unit: constantFrom('<', '>', '"', "'", '&', ';', 'a', 'lt', '/', '=', '\n') }), (text) => {
        const { text: made } = markup`<p title="${text}">${[text, undefined]}</p>`
        const [, attribute = '', content = ''] = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/.exec(made) ?? []
        const read = (escaped: string): string =>
          escaped.replaceAll(/&([a-z0-9#]+);/g, (_, name: string) => entities[name] ?? '?')
        expect([read(attribute), read(content)]).toEqual([text, text])
      }),
    )
  })

  it('takes over what is markup, in lists too', () => {
    const item = (text: string) => markup`<li>${text}</li>`
    expect(markup`<ul>${['<', 'b'].map(item)}${1}</ul>`.text).toBe('<ul><li>&lt;</li><li>b</li>1</ul>')
  })
})

describe('charts', () => {
  it('let bars stand on each other, the tallest as tall as there is room, and leave out what is zero', () => {
    const { text } = barChart(
      [
        { name: 'ok', values: [2, 0] },
        { name: 'bad', values: [1, 0] },
      ],
      '3 <requests>',
    )
    expect(text).toContain('aria-label="3 &lt;requests&gt;"')
    expect(text).toContain('<path class="ok" d="M60 40v-26"/>')
    expect(text).toContain('<path class="bad" d="M60 14v-13"/>')
  })

  it('break lines where there is nothing, and show a point that stands alone', () => {
    const { text } = lineChart(
      [undefined, 10, 20, undefined, 10],
      [undefined, undefined, undefined, undefined, undefined],
      'times',
    )
    expect(text).toContain('<path class="p95" d="M48 20H96L144 1M192 20H240"/>')
    expect(text).toContain('<path class="p50" d=""/>')
  })

  it('do without any value', () => {
    expect(barChart([], 'none').text).not.toContain('NaN')
    expect(lineChart([], [], 'none').text).not.toMatch(/NaN|Infinity/)
  })
})

describe('words', () => {
  const nowMs = Date.parse('2026-03-01T12:00:00Z')
  const at = (seconds: number): string => new Date(nowMs + seconds * 1000).toISOString()

  it.each([
    [0, 'just now'],
    [-30, 'less than a minute ago'],
    [-70, '1 min ago'],
    [-600, '10 min ago'],
    [-3_600, '1 h ago'],
    [-7_300, '2 h ago'],
    [-300_000, '3 days ago'],
    // A clock that was set back.
    [5, 'just now'],
  ])('of a moment %i s away: %s', (seconds, words) => {
    expect(ago(at(seconds), nowMs)).toBe(words)
  })

  it('of what is ahead, of times and of numbers', () => {
    expect([ahead(at(20), nowMs), ahead(at(600), nowMs), ahead(at(-1), nowMs)]).toEqual([
      'in less than a minute',
      'in 10 min',
      'now',
    ])
    expect([duration(0.2), duration(119), duration(3_600)]).toEqual(['1 s', '119 s', '1 h'])
    expect([milliseconds(0.04), milliseconds(9.96), milliseconds(212.4), milliseconds(12_300)]).toEqual([
      '0 ms',
      '10 ms',
      '212 ms',
      '12 s',
    ])
    expect([grouped(999), grouped(1_234_567), counted(1, 'route'), counted(0, 'route')]).toEqual([
      '999',
      '1,234,567',
      '1 route',
      '0 routes',
    ])
  })
})
