import { countWords } from './words.ts'

/** How much of a limit is used: a bar with its numbers; a limit below 0 is none. */
export const Meter = ({
  label,
  used,
  limit,
  words = countWords,
}: {
  label: string
  used: number
  limit: number
  words?: (amount: number) => string
}) => (
  <div class="meter">
    <span class="meter-label">{label}</span>
    <span class="meter-numbers">
      {words(used)} <span class="quiet">of {words(limit)}</span>
    </span>
    <progress
      class={limit >= 0 && used >= limit ? 'full' : undefined}
      aria-label={`${label}: ${words(used)} of ${words(limit)}`}
      max={limit > 0 ? limit : 1}
      value={limit > 0 ? Math.min(used, limit) : 0}
    />
  </div>
)
