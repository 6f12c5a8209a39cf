import { useState } from 'preact/hooks'
import { ask } from '../../api/ask.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useChoices } from '../../api/use-choices.ts'
import { ChoiceField } from '../../parts/choice.tsx'
import { Command } from '../../parts/command.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { SelectField } from '../../parts/form.tsx'
import { notify } from '../../parts/notice.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import type { Cloud } from './shapes.ts'

interface Link {
  clouds: string[]
  reach: string
}

const lineOf = (links: Link[]): string => `PUT /broker/v1/links  ${JSON.stringify({ links })}`
const isSame = (one: Link, other: Link): boolean => [...one.clouds].sort().join() === [...other.clouds].sort().join()

/** What leads from cloud to cloud, as the operator says. */
export const Links = () => {
  const answer = useAnswer<{ links: Link[] }>('broker', '/links')
  const { shown, open } = useWindow()
  const links = answer.value?.links
  /** All are written at once: what others said meanwhile is among them. */
  const change = async (changed: (links: Link[]) => Link[]) => {
    const { links: current } = await ask<{ links: Link[] }>('broker', '/links')
    await ask('broker', '/links', { method: 'PUT', body: { links: changed(current) } })
    answer.again()
  }
  const columns: Column<Link>[] = [
    { key: 'clouds', title: 'Between', cell: ({ clouds }) => clouds.join(' and ') },
    { key: 'reach', title: 'Reach', cell: ({ reach }) => reach },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: (link) => {
        const without = (all: Link[]) => all.filter((each) => !isSame(each, link))
        return (
          <RowButton
            verb="Take away"
            name={link.clouds.join(' and ')}
            onClick={() =>
              open((close) => (
                <Confirm
                  title={`Take away what leads between ${link.clouds.join(' and ')}`}
                  verb="Take away"
                  danger
                  command={[lineOf(without(links ?? []))]}
                  work={async () => {
                    await change(without)
                    notify('It is taken away.')
                  }}
                  onClose={close}
                />
              ))
            }
          />
        )
      },
    },
  ]
  return (
    <>
      {links && (
        <div class="row filter">
          <button
            type="button"
            onClick={() => open((close) => <NewLink links={links} change={change} onClose={close} />)}
          >
            New link
          </button>
        </div>
      )}
      <Waiting answer={answer}>
        {({ links: rows }) =>
          rows.length ? (
            <div class="stack">
              <Table
                caption="Links between clouds"
                columns={columns}
                rows={rows}
                idOf={({ clouds }) => clouds.join()}
                nameOf={({ clouds }) => clouds.join(' and ')}
              />
              <Command line="GET /broker/v1/links" />
            </div>
          ) : (
            <Empty title="No link yet" command={[lineOf([{ clouds: ['home', 'aws'], reach: 'routed' }])]}>
              <p>
                A VPN or a line between two clouds is laid by you; here you say that it is there. Then networks of
                projects that are to be routed are routed over it.
              </p>
            </Empty>
          )
        }
      </Waiting>
      {shown}
    </>
  )
}

const nameOf = ({ name }: Cloud): string => name

const NewLink = ({
  links,
  change,
  onClose,
}: {
  links: Link[]
  change: (changed: (links: Link[]) => Link[]) => Promise<void>
  onClose: () => void
}) => {
  const clouds = useChoices<Cloud>('broker', '/clouds', 'clouds', true)
  const [one, setOne] = useState('')
  const [other, setOther] = useState('')
  const [reach, setReach] = useState('routed')
  const link = { clouds: [one, other], reach }
  const withIt = (all: Link[]) => [...all.filter((each) => !isSame(each, link)), link]
  const ends = { choices: clouds, first: 'Which…', required: true, keyOf: nameOf, wordsOf: nameOf }
  return (
    <Confirm
      title="New link"
      verb="Say so"
      command={[lineOf(withIt(links))]}
      work={async () => {
        await change(withIt)
        notify(`${one} and ${other}: ${reach}.`)
      }}
      onClose={onClose}
    >
      <div class="pair">
        <ChoiceField label="From" value={one} onChange={setOne} {...ends} />
        <ChoiceField label="To" value={other} onChange={setOther} {...ends} />
      </div>
      <SelectField
        label="Reach"
        value={reach}
        onChange={setReach}
        options={[
          { value: 'routed', label: 'routed: private addresses reach each other' },
          { value: 'public', label: 'public: by public addresses alone' },
          { value: 'none', label: 'none' },
        ]}
      />
    </Confirm>
  )
}
