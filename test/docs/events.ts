import { NOTICES } from '../../functions/broker/line/notices.ts'

/** `docs/reference/events.md`: every type of an event, printed from the table from which they are told. */
export const eventsPage = (): string =>
  [
    '# Events',
    '',
    'Printed from `functions/broker/line/notices.ts` by `npm run reference`. An event has a `type`, a `timestamp`, an `id` that is the',
    'same wherever and however often it is told, a `seq` that grows by one with each event of the `project_id`, a `resource`',
    '(`kind` and `id`), and `data`:',
    '',
    '| `type` | told when | `data` |',
    '|---|---|---|',
    ...Object.entries(NOTICES).map(
      ([type, { when, data }]) =>
        `| \`${type}\` | ${when} | ${Object.entries(data)
          .map(([name, what]) => `\`${name}\`: ${what}`)
          .join('; ')} |`,
    ),
    '',
    'Text of a cloud (`fault`, `message`, `intent`, `observed`) has 500 characters at most.',
    '',
  ].join('\n')
