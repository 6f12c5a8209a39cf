/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from 'vitest'

const sources = import.meta.glob<string>('../../../adapters/aws/**/*.{ts,md}', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const readme = sources['../../../adapters/aws/README.md']!
const code = Object.entries(sources).filter(([path]) => path.endsWith('.ts'))

interface Statement {
  Sid: string
  Action: string | string[]
  Condition?: Record<string, Record<string, string | string[]>>
}
const [, text] = /```json\n(\{\n {2}"Version"[\s\S]*?)```/.exec(readme)!
const { Statement: statements } = JSON.parse(text!) as { Statement: Statement[] }
const actionsOf = ({ Action }: Statement): string[] =>
  [Action].flat().map((name) => name.replace(/^(ec2|ebs|pricing):/, ''))
const statement = (sid: string): Statement => statements.find(({ Sid }) => Sid === sid)!

/** Every command that the sources construct, and every call that they word themselves. */
const used = new Set(
  code.flatMap(([, source]) =>
    [...source.matchAll(/new (\w+)Command\(|\baction: '(\w+)'/g)].flatMap(([, command, call]) => command ?? call ?? []),
  ),
)

describe('the IAM policy of the README', () => {
  it('names every call that the adapter makes, and nothing else', () => {
    expect(used.size).toBeGreaterThan(50)
    expect([...new Set(statements.flatMap(actionsOf))].toSorted()).toEqual([...used].toSorted())
  })

  it('allows without a condition only to look and to use what is there', () => {
    const free = statements.filter((each) => !each.Condition).map(({ Sid }) => Sid)
    expect(free).toEqual(['Look', 'MakeFromWhatIsThere'])
    for (const action of actionsOf(statement('Look'))) expect(action).toMatch(/^(Describe|Get)/)
  })

  it('lets a mark be set by every call that makes something', () => {
    const making = statement('MarkWhileMaking').Condition?.StringEquals?.['ec2:CreateAction']
    expect(making).toEqual(actionsOf(statement('MakeWithOurMark')))
  })
})

describe('calls', () => {
  it('go through one place', () => {
    const senders = code.filter(([, source]) => /client\.send\(/.test(source)).map(([path]) => path)
    expect(senders).toEqual(['../../../adapters/aws/wire/client.ts'])
  })
})
