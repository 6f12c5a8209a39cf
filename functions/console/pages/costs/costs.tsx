import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { Quotas } from '../overview/quotas.tsx'
import { Spent } from './spent.tsx'
import { Usage } from './usage.tsx'

const OfProject = () => {
  const { session } = useStore(door)
  return session?.project ? (
    <Quotas projectId={session.project.id} />
  ) : (
    <p class="quiet">The token is for no project.</p>
  )
}

const PARTS: [name: string, title: string, Part: ComponentType<PageProps>][] = [
  ['', 'Costs', Spent],
  ['quotas', 'Quotas', OfProject],
  ['usage', 'Usage', Usage],
]

/** What was spent, what may be had, and what was used. */
const Costs = (props: PageProps) => {
  const current = props.query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Costs" />
      <Sections
        label="Parts of the costs"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/costs', {}, { part })}
      />
      <Part {...props} />
    </>
  )
}

export default Costs
