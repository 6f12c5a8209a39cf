import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { COUNTED } from '../../functions/instruments/counted.ts'
import { FROM_ROWS, type Metric } from '../../functions/instruments/metrics.ts'
import { metricsPage } from './metrics.ts'

const METRICS: Record<string, Metric> = { ...FROM_ROWS, ...COUNTED }
const read = (path: string) => readFileSync(`docs/instruments/${path}`, 'utf8')

test('docs/instruments/metrics.md is what the table says: run `npm run reference`', () => {
  expect(read('metrics.md')).toBe(metricsPage())
})

describe('names and labels are as Prometheus wants them', () => {
  /** https://prometheus.io/docs/practices/naming/ */
  const UNITS = /_(seconds|bytes|ratio|vcpus|per_hour|items|units|total|info)$/
  /** Counts and states of things: their name is their unit. */
  const PLAIN = /_(healthy|under_way|failed|enabled|open|failures|lost|orphans|missing|work)$/
  test.each(Object.entries(METRICS))('%s', (name, { type, help, labels, buckets }) => {
    expect(name).toMatch(/^plimsoll_[a-z_]+$/)
    expect(UNITS.test(name) || PLAIN.test(name)).toBe(true)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(buckets !== undefined).toBe(type === 'histogram')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(help).toMatch(/^[A-Z0-9v].*\.$/)
    for (const label of labels) expect(label).toMatch(/^[a-z_]+$/)
    for (const stranger of ['path', 'url', 'project', 'user', 'resource', 'id']) expect(labels).not.toContain(stranger)
  })
})

/** Series of the process itself. */
const OTHERS = ['up', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_eventloop_lag_seconds']

/** What of an expression is no metric that there is, or no label of one. */
const strange = (text: string): string[] => {
  const bare = (name: string) => name.replace(/_(bucket|count|sum)$/, '')
  const unknown = [...text.matchAll(/\b(plimsoll|nodejs|process)_[a-z0-9_]+/g)]
    .map(([name]) => name)
    .filter((name) => !OTHERS.includes(name) && !METRICS[bare(name)] && !METRICS[name])
  const labels = [...text.matchAll(/\b(plimsoll_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name, within]) =>
    [...within!.matchAll(/(\w+)\s*=/g)]
      .map(([, label]) => label!)
      .filter((label) => label !== 'instance' && !METRICS[bare(name!)]?.labels.includes(label))
      .map((label) => `${name}{${label}}`),
  )
  return [...unknown, ...labels]
}

test('rules go by metrics that there are', () => {
  const rules = read('alerts.yml')
  expect(rules.match(/- alert: /g)!.length).toBeGreaterThan(10)
  expect(strange(rules)).toEqual([])
  expect(strange('plimsoll_nothing + plimsoll_due_items{path="x"}')).toHaveLength(2)
})

test('each panel of the dashboard draws metrics that there are', () => {
  const { panels } = JSON.parse(read('dashboard.json')) as { panels: { type: string; targets?: { expr: string }[] }[] }
  const drawn = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(drawn.length).toBeGreaterThan(15)
  expect(drawn.flatMap(strange)).toEqual([])
})
