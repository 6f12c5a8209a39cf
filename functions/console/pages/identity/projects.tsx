import { commandLine } from '../../api/command.ts'
import { usePages } from '../../api/use-pages.ts'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Removal } from '../../parts/removal.tsx'
import { Status } from '../../parts/status.tsx'
import type { Column } from '../../parts/table.tsx'
import { RowButton, useWindow } from '../../parts/window.tsx'
import { linkTo } from '../../router.ts'
import { Create } from './create.tsx'

interface Project {
  id: string
  name: string
  domain_id: string
  description: string
  enabled: boolean
}
const projectsIn = (body: unknown): Project[] => (body as { projects: Project[] }).projects
const nameOf = ({ name }: Project): string => name

/** Keystone gives its lists whole. */
const WHOLE = 1_000_000

/** The projects, and what each may. */
export const Projects = () => {
  const pages = usePages<Project>({ service: 'identity', path: '/projects', rowsIn: projectsIn, limit: WHOLE })
  const { shown, open } = useWindow()
  const columns: Column<Project>[] = [
    {
      key: 'name',
      title: 'Name',
      cell: ({ id, name }) => <a href={linkTo('/identity/projects/:id', { id })}>{name}</a>,
    },
    {
      key: 'enabled',
      title: 'Is',
      cell: ({ enabled }) => <Status status={enabled ? 'enabled' : 'disabled'} tone={enabled ? 'good' : 'idle'} />,
    },
    { key: 'domain', title: 'Domain', cell: ({ domain_id: domain }) => domain },
    { key: 'description', title: 'Description', cell: ({ description }) => description },
    { key: 'id', title: 'Id', cell: ({ id }) => <code>{id}</code> },
    {
      key: 'do',
      title: 'What can be done',
      silent: true,
      cell: ({ id, name }) => (
        <RowButton
          verb="Delete"
          name={name}
          onClick={() =>
            open((close) => (
              <Removal
                service="identity"
                path={`/projects/${id}`}
                name={name}
                command={commandLine('project', 'delete', id)}
                onClose={close}
                onDone={pages.again}
              >
                <p>
                  What it has on the clouds stays, runs on, and costs what it does. Remove it first: afterwards only an
                  administrator finds it.
                </p>
              </Removal>
            ))
          }
        />
      ),
    },
  ]
  return (
    <>
      <Listing
        pages={pages}
        caption="Projects"
        columns={columns}
        nameOf={nameOf}
        command={commandLine('project', 'list', '--long')}
        bar={
          <div class="row filter">
            <button
              type="button"
              class="primary"
              onClick={() =>
                open((close) => (
                  <Create
                    title="New project"
                    member="project"
                    most={64}
                    more={{ key: 'description', label: 'Description' }}
                    command={({ name, word }) => commandLine('project', 'create', ['--description', word], name)}
                    done="is there. It reaches no cloud before it is mapped to one."
                    onClose={close}
                    onDone={pages.again}
                  />
                ))
              }
            >
              New project
            </button>
          </div>
        }
        empty={
          <Empty title="No project yet" command={['openstack project create NAME']}>
            <p>
              A project is what servers belong to and costs are counted for. It reaches the clouds that it is mapped to.
            </p>
          </Empty>
        }
      />
      {shown}
    </>
  )
}
