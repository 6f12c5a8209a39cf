import { agoWords } from './words.ts'

/** Nova's times have no zone, and mean UTC. */
const timeOf = (said: string): number => Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(said) ? said : `${said}Z`)

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** When something was, so long ago; the time itself for who asks. */
export const Time = ({ at, otherwise = '–' }: { at: string | null | undefined; otherwise?: string }) => {
  if (!at) return <span class="quiet">{otherwise}</span>
  const time = timeOf(at)
  if (Number.isNaN(time)) return <span>{at}</span>
  return (
    <time dateTime={new Date(time).toISOString()} title={exact.format(time)}>
      {agoWords(time)}
    </time>
  )
}
