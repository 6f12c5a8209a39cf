import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { Adoptable } from './adoptable.tsx'
import { Drift } from './drift.tsx'
import { Orphans } from './orphans.tsx'
import { Sweeps } from './sweeps.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Sweeps', Sweeps],
  ['drift', 'Drift', Drift],
  ['orphans', 'Orphans', Orphans],
  ['adoptable', 'Adoptable', Adoptable],
]

/** Whether the clouds are as they were asked to be. */
const Upkeep = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Upkeep" />
      <Sections
        label="Parts of the upkeep"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/upkeep', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Upkeep
