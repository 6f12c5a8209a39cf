import { deaths } from './child.ts'

/** How one step ended. */
export type Result = 'passed' | 'failed' | 'skipped'

interface Line {
  result: Result
  ms: number
}

/** Counts steps by story and prints one compact line each. */
export class Report {
  readonly #stories = new Map<string, Line[]>()
  readonly #failures: string[] = []
  /** So many deaths of programs were told. */
  #told = 0

  step(story: string, title: string, result: Result, ms: number, said = ''): void {
    const detail = result === 'failed' ? [said, ...this.#untold()].filter(Boolean).join('\n') : said
    this.#stories.set(story, [...(this.#stories.get(story) ?? []), { result, ms }])
    const sign = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }[result]
    console.log(`${sign} ${(ms / 1000).toFixed(1).padStart(5)}s  ${story}  ${title}${detail && `: ${detail}`}`)
    if (result === 'failed') this.#failures.push(`${story}  ${title}: ${detail}`)
  }

  /** What died meanwhile, each once. */
  #untold(): string[] {
    const untold = deaths().slice(this.#told)
    this.#told += untold.length
    return untold
  }

  count(result: Result, lines = [...this.#stories.values()].flat()): number {
    return lines.filter((line) => line.result === result).length
  }

  /** The table, what failed, and the one line that machines read. */
  print(): void {
    const rows = [...this.#stories].map(([story, lines]) => [
      story,
      ...(['passed', 'failed', 'skipped'] as const).map((result) => String(this.count(result, lines))),
      `${(lines.reduce((sum, { ms }) => sum + ms, 0) / 1000).toFixed(1)} s`,
    ])
    const table = [['story', 'passed', 'failed', 'skipped', 'time'], ...rows]
    const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)))
    console.log()
    for (const row of table)
      console.log(row.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '))
    const untold = this.#untold()
    if (untold.length) console.log(`\nended by themselves:\n${untold.join('\n')}`)
    if (this.#failures.length) console.log(`\nfailed:\n${this.#failures.map((line) => `  ${line}`).join('\n')}`)
    console.log(`\n${this.count('passed')} passed, ${this.count('failed')} failed`)
  }
}
