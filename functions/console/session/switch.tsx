import { useEffect, useId, useState } from 'preact/hooks'
import { asFault } from '../api/fault.ts'
import { notify } from '../parts/notice.tsx'
import { type Project, projectsOf, type Session, switchProject } from './session.ts'

/** The project that is worked in, and the others to go to. */
export const ProjectSwitch = ({ session }: { session: Session }) => {
  const id = useId()
  const [projects, setProjects] = useState<Project[]>([])
  const current = session.project
  useEffect(() => {
    if (!session.bound) projectsOf().then(setProjects, () => setProjects([]))
  }, [session.bound, current?.id])
  const listed = current && !projects.some((each) => each.id === current.id) ? [current, ...projects] : projects
  const go = (wanted: string) => switchProject(wanted).catch((error) => notify(asFault(error).message))
  return (
    <div class="switch">
      <label for={id} class="small quiet">
        Project
      </label>
      <select
        id={id}
        value={current?.id ?? ''}
        disabled={listed.length < 2}
        onChange={(event) => void go(event.currentTarget.value)}
      >
        {!current && <option value="">none</option>}
        {listed.map((project) => (
          <option key={project.id} value={project.id}>
            {project.name}
          </option>
        ))}
      </select>
    </div>
  )
}
