import { describe, expect, it } from 'vitest'
import { configOf, placesOf, problemsOf, withCredential } from '../support/cli-problems.ts'

const main = 'credentials.main'

describe('refusals', () => {
  it('must be told from other answers', () => {
    expect(placesOf(withCredential('rejected_when: []'))).toEqual([`6:20 ${main}.rejected_when`])
    expect(placesOf(withCredential('rejected_when: [{}]'))).toEqual([`6:21 ${main}.rejected_when[0]`])
    expect(placesOf(withCredential('rejected_when: [{header: {}}]'))).toEqual([
      expect.stringContaining(`${main}.rejected_when[0]`),
    ])
  })

  it('have a status that exists', () => {
    expect(placesOf(withCredential('rejected_when: [{status: 4011}]'))).toEqual([`6:30 ${main}.rejected_when[0].status`])
    expect(placesOf(withCredential('rejected_when: [{status: 99}]'))).toEqual([`6:30 ${main}.rejected_when[0].status`])
  })

  it('may look at values of a JSON answer and at its text', () => {
    const { credentials } = configOf(
      withCredential('rejected_when: [{status: 200, json: {/errors/0/code: [601, "602", true]}, body: "a|b"}]'),
    )
    expect(credentials.get('main')?.rejected_when).toEqual([
      { status: 200, json: { '/errors/0/code': ['601', '602', 'true'] }, body: /a|b/ },
    ])
    expect(problemsOf(withCredential('rejected_when: [{json: {/a: [b]}}, {body: c}]'))).toEqual([])
  })

  it.each([
    [
      '{json: {}}',
      '28',
      'rejected_when[0].json: nothing to look for; name a place and its values, such as {/errors/0/code: ["601"]}',
    ],
    ['{json: {/a: []}}', '33', 'rejected_when[0].json./a: an empty list would never match; name a value'],
    ['{json: {/a: b}}', '33', 'rejected_when[0].json./a: expected a list of values; for example ["601", "602"]'],
    ['{json: {/a: [[b]]}}', '34', 'rejected_when[0].json./a[0]: expected a text, a number, true or false; write one of them'],
    ['{json: {a: [b]}}', '29', 'rejected_when[0].json.a: not a JSON Pointer (RFC 6901); write it as /data/token'],
    ['{json: {/a~2: [b]}}', '29', 'rejected_when[0].json./a~2: not a JSON Pointer (RFC 6901); write it as /data/token'],
    [
      '{json: [a]}',
      '28',
      'rejected_when[0].json: expected JSON Pointers with lists of values; for example {/errors/0/code: ["601", "602"]}',
    ],
    ['{body: "("}', '28', 'rejected_when[0].body: not a regular expression; check its brackets and backslashes'],
    ['{body: ""}', '28', 'rejected_when[0].body: an empty pattern matches every body; write what a refusal says'],
    ['{status: 200, body: [a]}', '41', 'rejected_when[0].body: expected a regular expression; quote it'],
    ['{}', '21', 'rejected_when[0]: this match would be true for every answer; name a status, a header, or what the body says'],
  ])('say what is wrong with %s', (match, column, message) => {
    expect(problemsOf(withCredential(`rejected_when: [${match}]`))).toEqual([`f.yaml:6:${column}: ${main}.${message}`])
  })

  it('have regular expressions that compile', () => {
    expect(placesOf(withCredential('rejected_when: [{header: {WWW-Authenticate: "("}}]'))).toEqual([
      `6:49 ${main}.rejected_when[0].header.WWW-Authenticate`,
    ])
  })
})
