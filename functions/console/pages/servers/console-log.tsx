import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { commandLine } from '../../api/command.ts'
import { useDoing } from '../../api/use-answer.ts'
import { Command } from '../../parts/command.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import type { PartProps } from './shapes.ts'

const LINES = ['100', '1000', '10000']

/** What the guest wrote on its console, and where a word stands in it. */
export const ConsoleLog = ({ server }: PartProps) => {
  const [length, setLength] = useState(LINES[0]!)
  const latest = useRef(length)
  latest.current = length
  const [text, setText] = useState<string | null>(null)
  const [word, setWord] = useState('')
  const { busy, fault, run } = useDoing()
  const read = () =>
    run(async () => {
      const body = { 'os-getConsoleOutput': { length: Number(length) } }
      const { output } = await ask<{ output: string }>('compute', `/servers/${server.id}/action`, {
        method: 'POST',
        body,
      })
      // Of a length that was asked for before, it comes too late.
      if (latest.current === length) setText(output)
    })
  useEffect(() => {
    void read()
  }, [server.id, length])
  const lines = useMemo(() => (text ?? '').split('\n'), [text])
  const found = word ? lines.filter((line) => line.toLowerCase().includes(word.toLowerCase())) : lines
  return (
    <div class="stack">
      <search class="filter">
        <input
          type="search"
          aria-label="Lines with"
          placeholder="Lines with…"
          value={word}
          onInput={(event) => setWord(event.currentTarget.value)}
        />
        <select aria-label="How many lines" value={length} onChange={(event) => setLength(event.currentTarget.value)}>
          {LINES.map((each) => (
            <option key={each} value={each}>
              last {each} lines
            </option>
          ))}
        </select>
        <button type="button" disabled={busy} onClick={() => void read()}>
          {busy ? 'Reading…' : 'Read again'}
        </button>
        <span class="quiet small" role="status">
          {word && `${found.length} of ${lines.length} lines`}
        </span>
      </search>
      {fault && <FaultNote fault={fault} />}
      {text !== null && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        <section class="log" aria-label="Console log" tabIndex={0}>
          <pre>
            {found.map((line, i) => (
              <Line key={i} line={line} word={word} />
            ))}
          </pre>
        </section>
      )}
      <Command line={commandLine('console', 'log', 'show', ['--lines', length], server.id)} />
    </div>
  )
}

const Line = ({ line, word }: { line: string; word: string }) => {
  const at = word ? line.toLowerCase().indexOf(word.toLowerCase()) : -1
  if (at < 0)
    return (
      <>
        {line}
        {'\n'}
      </>
    )
  return (
    <>
      {line.slice(0, at)}
      <mark>{line.slice(at, at + word.length)}</mark>
      {line.slice(at + word.length)}
      {'\n'}
    </>
  )
}
