import { useChanges } from '../../api/events.ts'
import { usePages } from '../../api/use-pages.ts'
import type { PageProps } from '../../page.ts'
import { Empty } from '../../parts/empty.tsx'
import { Heading } from '../../parts/heading.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { ForMembers, useWindow } from '../../parts/window.tsx'
import { moneyWords } from '../../parts/words.ts'
import { linkTo } from '../../router.ts'
import { Create } from './create.tsx'
import { type Burst, burstsIn, countsWords } from './shapes.ts'

const COLUMNS: Column<Burst>[] = [
  { key: 'name', title: 'Name', cell: ({ id, name }) => <a href={linkTo('/bursts/:id', { id })}>{name}</a> },
  { key: 'state', title: 'State', cell: ({ state }) => <Status status={state} /> },
  {
    key: 'members',
    title: 'Members',
    number: true,
    cell: ({ members, count }) => `${members.total} of ${count.min}–${count.max}`,
  },
  { key: 'clouds', title: 'On', cell: ({ members }) => countsWords(members.clouds) },
  { key: 'hourly', title: 'Per hour', number: true, cell: ({ cost }) => moneyWords(cost.hourly) },
  { key: 'so-far', title: 'So far', number: true, cell: ({ cost }) => moneyWords(cost.so_far) },
  { key: 'made', title: 'Asked for', cell: ({ created_at: at }) => <Time at={at} /> },
]

/** Many servers of one wish. */
const Bursts = (_: PageProps) => {
  const pages = usePages<Burst>({ service: 'broker', path: '/bursts', rowsIn: burstsIn })
  useChanges(['burst', 'server'], pages.again, 1_000)
  const { shown, open } = useWindow()
  return (
    <>
      <Heading title="Bursts">
        <ForMembers>
          <button type="button" class="primary" onClick={() => open((close) => <Create onClose={close} />)}>
            New burst
          </button>
        </ForMembers>
      </Heading>
      <Listing
        pages={pages}
        caption="Bursts of the project"
        columns={COLUMNS}
        nameOf={({ name }) => name}
        command="GET /broker/v1/bursts"
        empty={
          <Empty
            title="No burst yet"
            command={[
              'POST /broker/v1/bursts  {"name": "render", "count": {"min": 4, "max": 40}, "flavor": "m1.small", "image": "IMAGE", "networks": "none"}',
            ]}
          >
            <p>
              A burst is between so many and so many servers of one wish: home first, then elsewhere as the policy says,
              all of the least or none, and more as there is room and money. It ends when its members have said that
              they are done.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}

export default Bursts
