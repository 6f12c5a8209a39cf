import { useState } from 'preact/hooks'

/** The command that does the same as what stands beside it, to be copied. Lines come from `commandLine`. */
export const Command = ({ line, lines }: { line?: string; lines?: string[] }) => {
  const all = lines ?? [line ?? '']
  const text = all.join('\n')
  const [copied, setCopied] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setCopied('Copied')
    } catch {
      setCopied('Not allowed')
    }
    setTimeout(() => setCopied(''), 2_000)
  }
  return (
    <div class="command">
      <pre>
        <span class="unseen">The same by the command line: </span>
        {all.map((each) => (
          <code key={each}>{each}</code>
        ))}
      </pre>
      {/* Browsers let pages copy on origins that they trust alone. */}
      {navigator.clipboard && (
        <button type="button" class="plain small" onClick={copy}>
          {copied || 'Copy'}
        </button>
      )}
      <span class="unseen" role="status">
        {copied}
      </span>
    </div>
  )
}
